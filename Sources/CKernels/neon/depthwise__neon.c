#include "blocked.h"

#if defined(__aarch64__)
#include "vectors_neon.h"

#define MOST 7
#define NAME dl_blocked_depthwise_f32__neon
#include "../blocked/depthwise_body.h"

#endif
