#include "common.h"

#define DL_ISA scalar
#include "half_body.h"

#include "cast_body.h"
