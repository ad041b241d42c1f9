#define NAME(kernel) kernel##__scalar
#define HAS_FMA 0
#include "image_body.h"
