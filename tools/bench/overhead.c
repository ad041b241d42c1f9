/*
 * Microseconds that one call takes, for models so small that the call is what counts.
 *
 *   cc -O2 overhead.c $(pkg-config --cflags --libs dlrun) -o overhead
 *   ./overhead MODEL [CALLS]     (one float32 input; open sizes are taken as 1)
 */
#define _POSIX_C_SOURCE 200809L
#include <dlrun.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MAX_ELEMENTS = 1 << 20 };

static float x[MAX_ELEMENTS], y[MAX_ELEMENTS];

static double microseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static int by_size(const void *a, const void *b) {
  double d = *(const double *)a - *(const double *)b;
  return d < 0 ? -1 : d > 0;
}

static void print(const char *what, double *times, int calls) {
  qsort(times, (size_t)calls, sizeof *times, by_size);
  printf("%-28s least %.2f us, 5 %% below %.2f, median %.2f, 95 %% below %.2f\n", what, times[0],
         times[calls / 20], times[calls / 2], times[calls - 1 - calls / 20]);
}

static void stop(const char *what) {
  fprintf(stderr, "overhead: %s: %s\n", what, dlrun_error_message());
  exit(1);
}

/* A port's type with open sizes as 1, over memory of ours. */
static dlrun_tensor tensor(const dlrun_port *port, float *memory) {
  dlrun_tensor t = {port->dtype, 0, {0}, memory, sizeof(float), NULL};
  if (port->dtype != DLRUN_FLOAT32 || port->rank < 0 || port->rank > 8)
    stop("only float32 of known rank");
  t.rank = (uint32_t)port->rank;
  for (int64_t i = 0; i < port->rank; i++) {
    t.shape[i] = port->shape[i] < 0 ? 1 : port->shape[i];
    t.size_bytes *= (size_t)t.shape[i];
  }
  if (t.size_bytes > sizeof x)
    stop("the model is too large");
  return t;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: overhead MODEL [CALLS]\n");
    return 64;
  }
  int calls = argc > 2 ? atoi(argv[2]) : 200000;
  double *times = malloc((size_t)calls * sizeof *times);
  dlrun_session_options options = DLRUN_SESSION_OPTIONS_INIT;
  options.threads = 1;
  dlrun_session *session = NULL;
  dlrun_port in = {0}, out = {0};
  in.size = out.size = sizeof in;
  if (calls < 1 || !times || dlrun_session_create(argv[1], &options, &session) != DLRUN_OK ||
      dlrun_session_input(session, 0, &in) != DLRUN_OK ||
      dlrun_session_output(session, 0, &out) != DLRUN_OK)
    stop("the model");
  for (int i = 0; i < MAX_ELEMENTS; i++)
    x[i] = (float)(i % 17) / 17.0f;
  const dlrun_tensor input = tensor(&in, x), output = tensor(&out, y);

  for (int i = 0; i < calls; i++) {
    dlrun_tensor result = output;
    double started = microseconds();
    if (dlrun_session_run_tensors(session, NULL, &input, 1, NULL, &result, 1) != DLRUN_OK)
      stop("a run");
    times[i] = microseconds() - started;
    dlrun_value_release(result.value);
  }
  print("tensors, caller's memory:", times, calls);
  for (int i = 0; i < calls; i++) {
    dlrun_tensor result = {0};
    double started = microseconds();
    if (dlrun_session_run_tensors(session, NULL, &input, 1, NULL, &result, 1) != DLRUN_OK)
      stop("a run");
    dlrun_value_release(result.value);
    times[i] = microseconds() - started;
  }
  print("tensors, library's memory:", times, calls);
  for (int i = 0; i < calls; i++) {
    dlrun_value *value = NULL, *result = NULL;
    double started = microseconds();
    if (dlrun_value_borrow(input.dtype, input.shape, input.rank, x, input.size_bytes, &value) !=
        DLRUN_OK)
      stop("a value");
    const dlrun_value *values[] = {value};
    const char *from[] = {in.name}, *to[] = {out.name};
    if (dlrun_session_run(session, NULL, from, values, 1, to, &result, 1) != DLRUN_OK)
      stop("a run");
    dlrun_value_release(result);
    dlrun_value_release(value);
    times[i] = microseconds() - started;
  }
  print("handles and names:", times, calls);
  dlrun_session_release(session);
  free(times);
  return 0;
}
