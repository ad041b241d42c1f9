#include "step.h"

#define DL_ISA scalar
#include "step_types.h"
