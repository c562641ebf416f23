// libjpeg and libpng behind functions that return codes: setjmp never crosses a Swift frame.
#pragma once
