#include "common.h"

#define DL_ISA scalar
#include "half_body.h"

#include "math_body.h"

#include "unary_body.h"
