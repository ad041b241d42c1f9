/*
 * Hooks under load: many threads share sessions whose operators, memory and log are the program's
 * own, while others cancel their runs and release the sessions that they use.
 *
 *   ./hooks [ROUNDS]
 */
#define _POSIX_C_SOURCE 200809L
#include "checks.h"
#include "tiny_model.h"
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum { THREADS = 8, NODES = 20, COUNT = 64 };

static atomic_int blocks, states, lines, broken;

static void *allocate(void *context, size_t size_bytes, size_t alignment) {
  void *memory = NULL;
  if (posix_memalign(&memory, alignment, size_bytes) != 0)
    return NULL;
  atomic_fetch_add((atomic_int *)context, 1);
  return memory;
}

static void deallocate(void *context, void *memory, size_t size_bytes) {
  memset(memory, 0xEE, size_bytes); /* what is read after this is wrong */
  free(memory);
  atomic_fetch_sub((atomic_int *)context, 1);
}

static void write_line(void *context, dlrun_log_level level, const char *message) {
  if (level > DLRUN_LOG_ERROR || message[0] == 0)
    atomic_fetch_add(&broken, 1);
  atomic_fetch_add((atomic_int *)context, 1);
}

/* y = times x, a millisecond late where the context says so. */
typedef struct {
  float times;
  int is_slow;
} scale;

static dlrun_status create(void *context, const dlrun_attributes *node, void **state) {
  int64_t times;
  dlrun_status status = dlrun_attribute_int(node, "times", &times);
  if (status != DLRUN_OK)
    return status;
  scale *made = malloc(sizeof *made);
  if (!made) {
    dlrun_operator_fail("no memory");
    return DLRUN_BUDGET;
  }
  made->times = (float)times;
  made->is_slow = *(const int *)context;
  *state = made;
  atomic_fetch_add(&states, 1);
  return DLRUN_OK;
}

static void destroy(void *state) {
  free(state);
  atomic_fetch_sub(&states, 1);
}

static dlrun_status infer(void *state, const dlrun_tensor_type *inputs, size_t input_count,
                          dlrun_tensor_type *outputs, size_t output_count) {
  (void)state;
  if (input_count != 1 || output_count != 1 || inputs[0].dtype != DLRUN_FLOAT32) {
    dlrun_operator_fail("Scale takes one float32 tensor");
    return DLRUN_DTYPE;
  }
  outputs[0] = inputs[0];
  return DLRUN_OK;
}

static dlrun_status compute(void *state, const dlrun_tensor_type *input_types,
                            const void *const *inputs, size_t input_count,
                            const dlrun_tensor_type *output_types, void *const *outputs,
                            size_t output_count) {
  const scale *s = state;
  const float *x = inputs[0];
  float *y = outputs[0];
  (void)input_count, (void)output_types, (void)output_count;
  if (s->is_slow)
    nanosleep(&(struct timespec){0, 1000000}, NULL);
  for (int64_t i = 0; i < input_types[0].shape[0]; i++)
    y[i] = s->times * x[i];
  return DLRUN_OK;
}

static dlrun_session *open_session(int *is_slow) {
  const tiny_model *model = tiny_chain("ai.test", "Scale", NODES, 2);
  dlrun_operator op = {0};
  op.size = sizeof op;
  op.domain = "ai.test";
  op.name = "Scale";
  op.since_version = op.min_inputs = op.max_inputs = op.outputs = 1;
  op.context = is_slow;
  op.create = create;
  op.destroy = destroy;
  op.infer = infer;
  op.compute = compute;
  dlrun_session_options options = DLRUN_SESSION_OPTIONS_INIT;
  options.threads = 2;
  options.operators = &op;
  options.operator_count = 1;
  options.logger = write_line;
  options.logger_context = &lines;
  options.allocate = allocate;
  options.deallocate = deallocate;
  options.allocator_context = &blocks;
  dlrun_session *session = NULL;
  EXPECT(OK, dlrun_session_create_from_memory(model->bytes, model->size, &options, &session));
  return session;
}

typedef struct {
  dlrun_session *session;
  dlrun_cancellation *cancellation;
  int runs;
  int done, cancelled, stale;
} job;

static void *run_many(void *argument) {
  job *j = argument;
  float x[COUNT], y[COUNT];
  dlrun_run_options options = DLRUN_RUN_OPTIONS_INIT;
  options.cancellation = j->cancellation;
  options.seconds = 100;
  for (int r = 0; r < j->runs; r++) {
    /* Sizes change, so that threads make plans at the same time. */
    int64_t n = 1 + r % COUNT;
    for (int64_t i = 0; i < n; i++)
      x[i] = (float)(r + i);
    size_t bytes = (size_t)n * sizeof *x;
    dlrun_tensor in = {DLRUN_FLOAT32, 1, {n}, x, bytes, NULL};
    dlrun_tensor out = {DLRUN_FLOAT32, 1, {n}, r % 2 ? y : NULL, bytes, NULL};
    dlrun_status status = dlrun_session_run_tensors(j->session, &options, &in, 1, NULL, &out, 1);
    if (status == DLRUN_OK) {
      const float *came = out.data;
      for (int64_t i = 0; i < n; i++)
        if (came[i] != x[i] * (float)(1 << NODES))
          atomic_fetch_add(&broken, 1);
      dlrun_value_release(out.value);
      j->done++;
    } else if (status == DLRUN_CANCELLED) {
      j->cancelled++;
    } else if (status == DLRUN_USAGE && strstr(dlrun_error_message(), "released")) {
      j->stale++;
    } else {
      atomic_fetch_add(&broken, 1);
    }
  }
  return NULL;
}

/* Starts the threads, and after a while does what `meddle` says. */
static job run_threads(int is_slow, int runs, void (*meddle)(job *)) {
  dlrun_cancellation *cancellation = NULL;
  EXPECT(OK, dlrun_cancellation_create(&cancellation));
  pthread_t threads[THREADS];
  static job jobs[THREADS];
  job sum = {open_session(&is_slow), cancellation, runs, 0, 0, 0};
  for (int t = 0; t < THREADS; t++) {
    jobs[t] = sum;
    CHECK(pthread_create(&threads[t], NULL, run_many, &jobs[t]) == 0);
  }
  nanosleep(&(struct timespec){0, 10000000}, NULL);
  if (meddle)
    meddle(&sum);
  for (int t = 0; t < THREADS; t++) {
    pthread_join(threads[t], NULL);
    sum.done += jobs[t].done;
    sum.cancelled += jobs[t].cancelled;
    sum.stale += jobs[t].stale;
  }
  dlrun_session_release(sum.session);
  dlrun_cancellation_release(cancellation);
  CHECK(atomic_load(&blocks) == 0);
  CHECK(atomic_load(&states) == 0);
  CHECK(sum.done + sum.cancelled + sum.stale == THREADS * runs);
  return sum;
}

static void cancel(job *j) { EXPECT(OK, dlrun_cancellation_cancel(j->cancellation)); }

static void release(job *j) {
  dlrun_session_release(j->session);
  dlrun_cancellation_release(j->cancellation);
}

int main(int argc, char **argv) {
  int rounds = argc > 1 ? atoi(argv[1]) : 3;
  begin_checks();
  for (int i = 0; i < rounds; i++) {
    job quick = run_threads(0, 200, NULL);
    CHECK(quick.done == THREADS * 200);
    job cancelled = run_threads(1, 3, cancel);
    CHECK(cancelled.cancelled > 0);
    job released = run_threads(1, 3, release);
    CHECK(released.stale > 0 && released.done > 0);
  }
  CHECK(atomic_load(&lines) > 0);
  CHECK(atomic_load(&broken) == 0);
  return end_checks();
}
