#define NAME(kernel) kernel##__scalar
#include "image_body.h"
