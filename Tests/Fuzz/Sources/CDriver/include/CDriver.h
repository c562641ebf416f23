#pragma once

int fuzz_main(int argc, char **argv);
