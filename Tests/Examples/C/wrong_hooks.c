/*
 * What a program can do wrong with operators and allocators of its own: functions that fail, give
 * nonsense or are not there. Each call returns its status with a message, and the host lives.
 */
#define _POSIX_C_SOURCE 200809L
#include "checks.h"
#include "tiny_model.h"
#include <stdint.h>

static float flower[4] = {5.1f, 3.5f, 1.4f, 0.2f};

/* Which function of an operator fails, and how. */
typedef enum { GOOD, NO_MESSAGE, ODD_STATUS, BAD_RANK, BAD_DTYPE, BAD_SIZE } fault;
static fault create_fault, infer_fault, compute_fault;
static int states;

static dlrun_status fail(fault f) {
  if (f == NO_MESSAGE)
    return DLRUN_SHAPE;
  dlrun_operator_fail("no such luck");
  return (dlrun_status)(f == ODD_STATUS ? 12345 : DLRUN_VALUE);
}

static dlrun_status create(void *context, const dlrun_attributes *node, void **state) {
  int64_t times, *no_number = NULL;
  const char *text;
  const int64_t *list;
  const float *floats;
  float number;
  size_t count;
  (void)context;
  EXPECT(OK, dlrun_attribute_int(node, "times", &times));
  EXPECT(USAGE, dlrun_attribute_int(node, "nobody", &times));
  EXPECT(USAGE, dlrun_attribute_int(node, NULL, &times));
  EXPECT(USAGE, dlrun_attribute_int(node, "times", no_number));
  EXPECT(DTYPE, dlrun_attribute_float(node, "times", &number));
  EXPECT(DTYPE, dlrun_attribute_string(node, "times", &text));
  EXPECT(DTYPE, dlrun_attribute_ints(node, "times", &list, &count));
  EXPECT(DTYPE, dlrun_attribute_floats(node, "times", &floats, &count));
  EXPECT(USAGE, dlrun_attribute_int(NULL, "times", &times));
  if (create_fault != GOOD)
    return fail(create_fault);
  states++;
  *state = &states;
  return DLRUN_OK;
}

static void destroy(void *state) { --*(int *)state; }

static dlrun_status infer(void *state, const dlrun_tensor_type *inputs, size_t input_count,
                          dlrun_tensor_type *outputs, size_t output_count) {
  (void)state, (void)input_count, (void)output_count;
  outputs[0] = inputs[0];
  if (infer_fault == BAD_RANK)
    outputs[0].rank = SIZE_MAX;
  else if (infer_fault == BAD_DTYPE)
    outputs[0].dtype = (dlrun_dtype)300;
  else if (infer_fault == BAD_SIZE)
    outputs[0].shape[0] = INT64_MIN;
  else if (infer_fault != GOOD)
    return fail(infer_fault);
  return DLRUN_OK;
}

static dlrun_status compute(void *state, const dlrun_tensor_type *input_types,
                            const void *const *inputs, size_t input_count,
                            const dlrun_tensor_type *output_types, void *const *outputs,
                            size_t output_count) {
  (void)state, (void)input_count, (void)output_types, (void)output_count;
  memcpy(outputs[0], inputs[0], (size_t)input_types[0].shape[0] * sizeof(float));
  return compute_fault == GOOD ? DLRUN_OK : fail(compute_fault);
}

static dlrun_status open_own(dlrun_session_options *options, const dlrun_operator *operators,
                             size_t count, dlrun_session **out) {
  const tiny_model *model = tiny_chain("ai.test", "Same", 2, 3);
  options->operators = operators;
  options->operator_count = count;
  return dlrun_session_create_from_memory(model->bytes, model->size, options, out);
}

static dlrun_status run_session(const dlrun_session *session) {
  dlrun_tensor x = {DLRUN_FLOAT32, 1, {4}, flower, sizeof flower, NULL}, y = {0};
  dlrun_status status = dlrun_session_run_tensors(session, NULL, &x, 1, NULL, &y, 1);
  if (status == DLRUN_OK)
    CHECK(memcmp(y.data, flower, sizeof flower) == 0);
  dlrun_value_release(y.value);
  return status;
}

static dlrun_status run_own(const dlrun_operator *operators, size_t count) {
  dlrun_session *session = NULL;
  dlrun_session_options options = DLRUN_SESSION_OPTIONS_INIT;
  dlrun_status status = open_own(&options, operators, count, &session);
  if (status == DLRUN_OK)
    status = run_session(session);
  dlrun_session_release(session);
  return status;
}

static dlrun_operator same(void) {
  dlrun_operator op = {0};
  op.size = sizeof op;
  op.domain = "ai.test";
  op.name = "Same";
  op.since_version = 1;
  op.min_inputs = op.max_inputs = op.outputs = 1;
  op.create = create;
  op.destroy = destroy;
  op.infer = infer;
  op.compute = compute;
  return op;
}

static void operators(void) {
  const dlrun_operator op = same();
  EXPECT(UNSUPPORTED, run_own(NULL, 0));
  EXPECT(OK, run_own(&op, 1));
  static const fault faults[] = {NO_MESSAGE, ODD_STATUS, BAD_RANK, BAD_DTYPE, BAD_SIZE};
  for (int i = 0; i < 5; i++) {
    infer_fault = faults[i];
    CHECK(run_own(&op, 1) != DLRUN_OK);
    infer_fault = GOOD;
    if (faults[i] > ODD_STATUS)
      continue;
    compute_fault = faults[i];
    CHECK(run_own(&op, 1) != DLRUN_OK);
    CHECK(faults[i] == NO_MESSAGE || strstr(dlrun_error_message(), "no such luck"));
    compute_fault = GOOD;
    create_fault = faults[i];
    CHECK(run_own(&op, 1) != DLRUN_OK);
    create_fault = GOOD;
  }
  CHECK(states == 0);
#define WRONG_OPERATOR(field, setting)                                                             \
  do {                                                                                             \
    dlrun_operator wrong = op;                                                                     \
    wrong.field = setting;                                                                         \
    EXPECT(USAGE, run_own(&wrong, 1));                                                             \
  } while (0)
  WRONG_OPERATOR(size, 0);
  WRONG_OPERATOR(size, sizeof op - 1);
  WRONG_OPERATOR(size, offsetof(dlrun_operator, compute));
  WRONG_OPERATOR(name, NULL);
  WRONG_OPERATOR(name, "");
  WRONG_OPERATOR(domain, NULL);
  WRONG_OPERATOR(domain, "");
  WRONG_OPERATOR(domain, "ai.onnx");
  WRONG_OPERATOR(min_inputs, -1);
  WRONG_OPERATOR(max_inputs, 0);
  WRONG_OPERATOR(max_inputs, INT32_MAX);
  WRONG_OPERATOR(outputs, 0);
  WRONG_OPERATOR(outputs, INT32_MAX);
  WRONG_OPERATOR(infer, NULL);
  WRONG_OPERATOR(compute, NULL);
  const dlrun_operator twice[] = {op, op};
  EXPECT(USAGE, run_own(twice, 2));
  EXPECT(USAGE, run_own(&op, SIZE_MAX / 2));
}

static void *no_memory(void *context, size_t size_bytes, size_t alignment) {
  (void)size_bytes, (void)alignment;
  return context;
}
static void keep_memory(void *context, void *memory, size_t size_bytes) {
  (void)context, (void)memory, (void)size_bytes;
}

static void allocators(void) {
  static char block[64];
  const dlrun_operator op = same();
  dlrun_session *session = NULL;
  dlrun_session_options options = DLRUN_SESSION_OPTIONS_INIT;
  options.allocate = no_memory;
  EXPECT(USAGE, open_own(&options, &op, 1, &session));
  options.deallocate = keep_memory;
  void *const wrong[] = {NULL, block + 1}; /* no memory, and memory at an odd address */
  for (int i = 0; i < 2; i++) {
    options.allocator_context = wrong[i];
    EXPECT(OK, open_own(&options, &op, 1, &session));
    EXPECT(BUDGET, run_session(session));
    dlrun_session_release(session);
  }
}

int main(void) {
  begin_checks();
  operators();
  allocators();
  return end_checks();
}
