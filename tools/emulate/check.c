#include "check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static uint32_t state = 1;
uint32_t draw(void) {
  state = state * 1664525u + 1013904223u;
  return state >> 8;
}
intptr_t draw_below(intptr_t n) { return (intptr_t)(draw() % (uint32_t)n); }
float draw_float(void) { return (float)draw() / 8388608.0f - 1.0f; }

enum { PAGE = 65536, SLOT = 64 * PAGE, SLOTS = 16 };
static char *slots[SLOTS];
static int used;

static float *take(intptr_t n) {
  const size_t bytes = (size_t)(n > 0 ? n : 1) * sizeof(float);
  if (used == SLOTS || bytes > SLOT) {
    fprintf(stderr, "neon_kernels: a case needs more memory than was foreseen\n");
    exit(70);
  }
  char **slot = &slots[used++];
  if (!*slot) {
    char *p =
        mmap(NULL, SLOT + 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || mprotect(p, PAGE, PROT_NONE) != 0 ||
        mprotect(p + PAGE + SLOT, PAGE, PROT_NONE) != 0) {
      perror("neon_kernels: no memory");
      exit(70);
    }
    *slot = p + PAGE;
  }
  return (float *)(draw_below(2) ? *slot : *slot + SLOT - bytes);
}

float *room(intptr_t n, uint32_t NaNs) {
  float *p = take(n);
  for (intptr_t i = 0; i < n; i++)
    p[i] = NaNs && draw() % NaNs == 0 ? NAN : draw_float();
  return p;
}

float *copy_of(const float *from, intptr_t n) {
  float *p = take(n);
  memcpy(p, from, (size_t)n * sizeof(float));
  return p;
}

void release(void) { used = 0; }

static void differences(family *f, const float *y, const float *reference, intptr_t n, double most,
                        int is_exact) {
  double largest = 0;
  int differs = 0;
  for (intptr_t i = 0; i < n; i++) {
    if (y[i] == reference[i] || (isnan(y[i]) && isnan(reference[i])))
      continue;
    double d = fabs((double)y[i] - reference[i]) / (most > 0 ? most : 1);
    // NaN or infinite on one side only.
    if (!isfinite(d))
      d = INFINITY;
    if (is_exact || d > 1e-5)
      differs = 1;
    largest = fmax(largest, d);
  }
  f->cases++;
  f->failures += differs;
  f->largest = fmax(f->largest, largest);
}

void compare(family *f, const float *y, const float *reference, intptr_t n, int is_exact) {
  double most = 0;
  for (intptr_t i = 0; i < n; i++)
    if (isfinite(reference[i]) && fabs(reference[i]) > most)
      most = fabs(reference[i]);
  differences(f, y, reference, n, most, is_exact);
}

void compare_within(family *f, const float *y, const float *reference, intptr_t n, double most) {
  differences(f, y, reference, n, most, 0);
}

int report(const family *f) {
  printf("%-16s %8ld cases, largest relative difference %.1e%s", f->name, f->cases, f->largest,
         f->failures ? "" : "\n");
  if (f->failures)
    printf(", %ld DIFFER\n", f->failures);
  fflush(stdout);
  return f->failures != 0 || f->cases == 0;
}

void half_plus(const void *x, void *y, size_t n, const double *numbers) {
  const float *from = x;
  float *to = y;
  for (size_t i = 0; i < n; i++)
    to[i] = from[i] * 0.5f + (float)numbers[0];
}
