#include "dlrun.h"
