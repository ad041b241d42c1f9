#include "common.h"

#define DL_ISA scalar
#include "half_body.h"

#include "binary_body.h"
