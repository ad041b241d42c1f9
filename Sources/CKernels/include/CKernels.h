// Every family of micro-kernels: what the Kernels module sees.
#ifndef DL_CKERNELS_H
#define DL_CKERNELS_H

#include "attention.h"
#include "blocked.h"
#include "boxes.h"
#include "byte_images.h"
#include "byteproduct.h"
#include "chain.h"
#include "convolution.h"
#include "cpu.h"
#include "elementwise.h"
#include "gemm.h"
#include "halffloat.h"
#include "lanes_isa.h"
#include "movement.h"
#include "nbits.h"
#include "pool.h"
#include "random.h"
#include "recurrent.h"
#include "reduce.h"
#include "rows.h"
#include "softmax.h"
#include "step.h"
#include "threads.h"
#include "trees.h"

#endif
