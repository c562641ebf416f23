// Notes which item a thread was working on when the process crashes.
#pragma once

/// Notes crashes from now on in the file `path`: one line an event, the item's name. Replaces the default handlers.
void csystem_crash_arm(const char *path);

/// Says what the calling thread works on from now on; NULL for nothing. Names of 63 bytes at most.
void csystem_crash_item(const char *name);
