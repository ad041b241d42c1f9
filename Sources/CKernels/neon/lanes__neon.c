#include "blocked.h"

#if defined(__aarch64__)
#include "vectors_neon.h"

#define NAME dl_blocked_lanes_f32__neon
#include "../blocked/lanes_body.h"

#endif
