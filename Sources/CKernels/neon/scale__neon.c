#include "blocked.h"

#if defined(__aarch64__)
#include "vectors_neon.h"

#define NAME dl_blocked_scale_f32__neon
#include "../blocked/scale_body.h"

#endif
