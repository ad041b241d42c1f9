/*
 * Opens, runs and closes many sessions, runs one many times, from one thread and from many, and
 * looks whether memory stays as it was and results are the same to the last bit.
 *
 *   ./soak MODEL SESSIONS RUNS THREADS [GROWTH]
 *
 * The model has one float32 input of two axes; memory may grow by GROWTH kB, 4096 if not given,
 * which is what an allocator may keep for itself: 100 bytes lost a run show in 40,000 runs.
 */
#define _POSIX_C_SOURCE 200809L
#include <dlrun.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SETS = 16, ROWS = 8, MAX_WIDTH = 64, MAX_OUTPUT = 1024 };

static const char *path;
static dlrun_session *session;
static int64_t width;
static long allowed_growth = 4096;
static float inputs[SETS][ROWS * MAX_WIDTH];
static float expected[SETS][MAX_OUTPUT];

static void stop(const char *what) {
  printf("%s: %s\n0 passed, 1 failed\n", what, dlrun_error_message());
  exit(1);
}

static long resident_kilobytes(void) {
  char line[256];
  long kilobytes = -1;
  FILE *status = fopen("/proc/self/status", "r");
  while (status && fgets(line, sizeof line, status))
    if (sscanf(line, "VmRSS: %ld", &kilobytes) == 1)
      break;
  if (status)
    fclose(status);
  return kilobytes;
}

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static dlrun_session *open_session(void) {
  dlrun_session *opened = NULL;
  dlrun_session_options options = DLRUN_SESSION_OPTIONS_INIT;
  options.threads = 2;
  if (dlrun_session_create(path, &options, &opened) != DLRUN_OK)
    stop("the model");
  return opened;
}

/* Input `set`, of 1 to ROWS rows, into memory of the caller's or the library's; the bytes. */
static size_t run(const dlrun_session *s, int set, float *y, int is_own) {
  int64_t rows = 1 + set % ROWS;
  dlrun_tensor in = {DLRUN_FLOAT32, 2, {rows, width}, inputs[set], 0, NULL}, out = {0};
  in.size_bytes = (size_t)(rows * width) * sizeof(float);
  if (is_own) {
    out = (dlrun_tensor){DLRUN_FLOAT32, 2, {rows, 0}, y, 0, NULL};
    dlrun_port port = {0};
    port.size = sizeof port;
    if (dlrun_session_output(s, 0, &port) != DLRUN_OK || port.rank != 2)
      stop("the output");
    out.shape[1] = port.shape[1];
    out.size_bytes = (size_t)(rows * port.shape[1]) * sizeof(float);
  }
  if (dlrun_session_run_tensors(s, NULL, &in, 1, NULL, &out, 1) != DLRUN_OK)
    stop("a run");
  size_t bytes = out.size_bytes;
  if (bytes > MAX_OUTPUT * sizeof(float))
    stop("the output is too large");
  if (!is_own)
    memcpy(y, out.data, bytes);
  else if (out.value)
    stop("the output did not come in the memory given");
  dlrun_value_release(out.value);
  return bytes;
}

static void run_checked(const dlrun_session *s, long turn) {
  float y[MAX_OUTPUT];
  int set = (int)(turn % SETS);
  size_t bytes = run(s, set, y, turn & 16 ? 1 : 0);
  if (memcmp(y, expected[set], bytes) != 0)
    stop("another result than before");
}

typedef struct {
  long first, runs;
} share;

static void *run_share(void *argument) {
  const share *s = argument;
  for (long i = 0; i < s->runs; i++)
    run_checked(session, s->first + i);
  return NULL;
}

static int report(const char *what, long count, double took, long before) {
  long after = resident_kilobytes();
  int is_flat = after - before <= allowed_growth;
  printf("%ld %s: %.1f us each, resident memory %ld kB before, %ld kB after%s\n", count, what,
         took / (double)count * 1e6, before, after, is_flat ? "" : ": it grew");
  return is_flat;
}

int main(int argc, char **argv) {
  if (argc < 5 || argc > 6) {
    fprintf(stderr, "usage: soak MODEL SESSIONS RUNS THREADS [GROWTH]\n");
    return 64;
  }
  path = argv[1];
  if (argc == 6)
    allowed_growth = atol(argv[5]);
  long sessions = atol(argv[2]), runs = atol(argv[3]);
  int threads = atoi(argv[4]), good = 0;
  pthread_t ids[64];
  share shares[64];
  if (sessions < 1 || threads < 1 || threads > 64 || runs < threads)
    return 64;

  session = open_session();
  dlrun_port port = {0};
  port.size = sizeof port;
  if (dlrun_session_input(session, 0, &port) != DLRUN_OK || port.rank != 2 || port.shape[1] < 1 ||
      port.shape[1] > MAX_WIDTH)
    stop("the input");
  width = port.shape[1];
  unsigned random = 1;
  for (int set = 0; set < SETS; set++) {
    for (int i = 0; i < ROWS * MAX_WIDTH; i++) {
      random = random * 1664525u + 1013904223u;
      inputs[set][i] = (float)(random >> 16) / 8192.0f;
    }
    run(session, set, expected[set], 0);
  }

  /* What is made once, such as the allocator's arenas, is not counted. */
  for (long i = 0; i < 200; i++) {
    dlrun_session *s = open_session();
    run_checked(s, i);
    dlrun_session_release(s);
  }
  long before = resident_kilobytes();
  double started = seconds();
  for (long i = 0; i < sessions; i++) {
    dlrun_session *s = open_session();
    run_checked(s, i);
    dlrun_session_release(s);
  }
  good += report("sessions opened, run and closed", sessions, seconds() - started, before);

  for (long i = 0; i < 1000; i++)
    run_checked(session, i);
  before = resident_kilobytes();
  started = seconds();
  for (long i = 0; i < runs; i++)
    run_checked(session, i);
  good += report("runs of one session", runs, seconds() - started, before);

  for (int pass = 0; pass < 2; pass++) {
    /* The first pass is for the stacks and arenas of the threads. */
    long each = pass == 0 ? 1000 : runs / threads;
    before = resident_kilobytes();
    started = seconds();
    for (int t = 0; t < threads; t++) {
      shares[t] = (share){t, each};
      if (pthread_create(&ids[t], NULL, run_share, &shares[t]) != 0)
        stop("no thread");
    }
    for (int t = 0; t < threads; t++)
      pthread_join(ids[t], NULL);
  }
  good += report("runs of one session by many threads", runs / threads * threads,
                 seconds() - started, before);
  dlrun_session_release(session);
  printf("%d passed, %d failed\n", good, 3 - good);
  return good != 3;
}
