/*
 * Everything that a program can do wrong short of handing over addresses that are none: each call
 * returns its status with a message, and the host lives.
 *
 *   ./wrong_use MODEL     (iris.pb: float32 [batch, 4] to float32 [batch, 3] and int64 [batch])
 */
#define _POSIX_C_SOURCE 200809L
#include "checks.h"
#include <math.h>
#include <stdint.h>

static const char *iris;
static float flower[4] = {5.1f, 3.5f, 1.4f, 0.2f};
static const int64_t flower_shape[2] = {1, 4};

static dlrun_session *open_iris(void) {
  dlrun_session *session = NULL;
  EXPECT(OK, dlrun_session_create(iris, NULL, &session));
  return session;
}

static dlrun_value *borrow_flower(void) {
  dlrun_value *value = NULL;
  EXPECT(OK, dlrun_value_borrow(DLRUN_FLOAT32, flower_shape, 2, flower, sizeof flower, &value));
  return value;
}

static void null_pointers(void) {
  dlrun_session *session = open_iris();
  dlrun_value *value = borrow_flower();
  dlrun_value *other = NULL;
  dlrun_port port = {0};
  dlrun_model_info info = {0};
  size_t count;
  EXPECT(USAGE, dlrun_session_create(NULL, NULL, &session));
  EXPECT(USAGE, dlrun_session_create(iris, NULL, NULL));
  EXPECT(USAGE, dlrun_session_create_from_memory(NULL, 10, NULL, &session));
  EXPECT(USAGE, dlrun_session_create_from_memory(flower, 4, NULL, NULL));
  EXPECT(USAGE, dlrun_session_input_count(session, NULL));
  EXPECT(USAGE, dlrun_session_input_count(NULL, &count));
  EXPECT(USAGE, dlrun_session_output_count(NULL, &count));
  EXPECT(USAGE, dlrun_session_input(session, 0, NULL));
  EXPECT(USAGE, dlrun_session_output(session, 0, &port)); /* size 0 */
  EXPECT(USAGE, dlrun_session_model(session, NULL));
  EXPECT(USAGE, dlrun_session_model(session, &info));
  EXPECT(USAGE, dlrun_session_threads(session, NULL));
  EXPECT(USAGE, dlrun_session_property(NULL, 0, NULL, NULL));
  EXPECT(USAGE, dlrun_value_borrow(DLRUN_FLOAT32, NULL, 2, flower, 16, &other));
  EXPECT(USAGE, dlrun_value_borrow(DLRUN_FLOAT32, flower_shape, 2, NULL, 16, &other));
  EXPECT(USAGE, dlrun_value_borrow(DLRUN_FLOAT32, flower_shape, 2, flower, 16, NULL));
  EXPECT(USAGE, dlrun_value_copy(DLRUN_FLOAT32, flower_shape, 2, NULL, 16, &other));
  EXPECT(USAGE, dlrun_value_adopt(DLRUN_FLOAT32, flower_shape, 2, flower, 16, NULL, NULL, &other));
  EXPECT(USAGE, dlrun_value_strings(flower_shape, 2, NULL, NULL, &other));
  EXPECT(USAGE, dlrun_value_sequence(NULL, 1, &other));
  EXPECT(USAGE, dlrun_value_map(NULL, value, &other));
  EXPECT(USAGE, dlrun_value_read(NULL, &other));
  EXPECT(USAGE, dlrun_value_kind(value, NULL));
  EXPECT(OK, dlrun_value_type(value, NULL, NULL));
  EXPECT(OK, dlrun_value_data(value, NULL, NULL));
  EXPECT(USAGE, dlrun_value_shape(value, NULL, 2));
  EXPECT(USAGE, dlrun_value_element(NULL, 0, &other));
  EXPECT(USAGE, dlrun_cancellation_create(NULL));
  EXPECT(USAGE, dlrun_cancellation_cancel(NULL));
  EXPECT(USAGE, dlrun_session_run(NULL, NULL, NULL, NULL, 0, NULL, NULL, 0));
  EXPECT(USAGE, dlrun_session_run(session, NULL, NULL, NULL, 1, NULL, &other, 1));
  const dlrun_value *none[] = {NULL}, *inputs[] = {value};
  const char *no_names[] = {NULL};
  EXPECT(USAGE, dlrun_session_run(session, NULL, NULL, none, 1, NULL, &other, 1));
  EXPECT(USAGE, dlrun_session_run(session, NULL, no_names, inputs, 1, NULL, &other, 1));
  EXPECT(USAGE, dlrun_session_run(session, NULL, NULL, inputs, 1, no_names, &other, 1));
  EXPECT(USAGE, dlrun_session_run(session, NULL, NULL, inputs, 1, NULL, NULL, 1));
  EXPECT(USAGE, dlrun_session_run_tensors(session, NULL, NULL, 1, NULL, NULL, 1));
  CHECK(other == NULL);
  dlrun_value_release(NULL);
  dlrun_session_release(NULL);
  dlrun_cancellation_release(NULL);
  dlrun_operator_fail(NULL);
  dlrun_value_release(value);
  dlrun_session_release(session);
}

static void stale_handles(void) {
  dlrun_session *session = open_iris();
  dlrun_value *value = borrow_flower(), *output = NULL;
  dlrun_cancellation *cancellation = NULL;
  const dlrun_value *inputs[] = {value};
  size_t count;
  EXPECT(OK, dlrun_cancellation_create(&cancellation));
  /* One kind in place of another, and numbers that never were handles. */
  EXPECT(USAGE, dlrun_session_input_count((dlrun_session *)(void *)value, &count));
  EXPECT(USAGE, dlrun_value_count((dlrun_value *)(void *)session, &count));
  EXPECT(USAGE, dlrun_session_input_count((dlrun_session *)(uintptr_t)0x1234, &count));
  EXPECT(USAGE, dlrun_session_input_count((dlrun_session *)UINTPTR_MAX, &count));
  dlrun_value_release((dlrun_value *)(void *)session);
  dlrun_session_release((dlrun_session *)(void *)value);
  EXPECT(OK, dlrun_session_input_count(session, &count));
  dlrun_session_release(session);
  dlrun_session_release(session);
  EXPECT(USAGE, dlrun_session_run(session, NULL, NULL, inputs, 1, NULL, &output, 1));
  dlrun_session *next = open_iris();
  CHECK(next != session);
  dlrun_value_release(value);
  dlrun_value_release(value);
  EXPECT(USAGE, dlrun_session_run(next, NULL, NULL, inputs, 1, NULL, &output, 1));
  EXPECT(USAGE, dlrun_value_data(value, NULL, NULL));
  dlrun_cancellation_release(cancellation);
  dlrun_cancellation_release(cancellation);
  EXPECT(USAGE, dlrun_cancellation_cancel(cancellation));
  dlrun_run_options options = DLRUN_RUN_OPTIONS_INIT;
  options.cancellation = cancellation;
  value = borrow_flower();
  inputs[0] = value;
  EXPECT(USAGE, dlrun_session_run(next, &options, NULL, inputs, 1, NULL, &output, 1));
  CHECK(output == NULL);
  dlrun_value_release(value);
  dlrun_session_release(next);
}

static void values(void) {
  dlrun_value *value = NULL, *other = NULL;
  int64_t negative[] = {-1, 4}, huge[] = {INT64_MAX, INT64_MAX}, vast[] = {1LL << 45};
  int64_t hidden[] = {0, INT64_MAX, INT64_MAX}, two[] = {2};
  EXPECT(SHAPE, dlrun_value_copy(DLRUN_FLOAT32, negative, 2, flower, 16, &value));
  EXPECT(SHAPE, dlrun_value_copy(DLRUN_FLOAT32, huge, 2, flower, 16, &value));
  EXPECT(SHAPE, dlrun_value_copy(DLRUN_FLOAT32, hidden, 3, flower, 0, &value));
  EXPECT(SHAPE, dlrun_value_copy(DLRUN_FLOAT32, flower_shape, 2, flower, 15, &value));
  EXPECT(SHAPE, dlrun_value_copy(DLRUN_FLOAT32, flower_shape, 9, flower, 16, &value));
  EXPECT(SHAPE, dlrun_value_copy(DLRUN_FLOAT32, flower_shape, SIZE_MAX, flower, 16, &value));
  EXPECT(BUDGET, dlrun_value_copy(DLRUN_FLOAT64, vast, 1, flower, (size_t)8 << 45, &value));
  EXPECT(DTYPE, dlrun_value_copy((dlrun_dtype)77, flower_shape, 2, flower, 16, &value));
  EXPECT(DTYPE, dlrun_value_copy((dlrun_dtype)257, flower_shape, 2, flower, 16, &value));
  EXPECT(DTYPE, dlrun_value_copy((dlrun_dtype)-1, flower_shape, 2, flower, 16, &value));
  EXPECT(DTYPE, dlrun_value_copy(DLRUN_STRING, flower_shape, 2, flower, 16, &value));
  EXPECT(DTYPE, dlrun_value_copy(DLRUN_UNDEFINED, flower_shape, 2, flower, 16, &value));
  EXPECT(INPUT_MISSING, dlrun_value_read("nowhere.npy", &value));
  EXPECT(VALUE, dlrun_value_strings(two, 1, (const char *const[]){"a", "\xff"}, NULL, &value));
  EXPECT(USAGE, dlrun_value_strings(two, 1, (const char *const[]){"a", NULL}, NULL, &value));
  CHECK(value == NULL);

  /* A string may hold a NUL; its length says where it ends. */
  const char *text;
  const size_t lengths[] = {3, 0};
  size_t length = 9, count;
  EXPECT(OK, dlrun_value_strings(two, 1, (const char *const[]){"a\0b", "c"}, lengths, &value));
  EXPECT(OK, dlrun_value_string(value, 0, &text, &length));
  CHECK(length == 3 && memcmp(text, "a\0b", 4) == 0);
  EXPECT(OK, dlrun_value_string(value, 1, &text, &length));
  CHECK(length == 0 && text[0] == 0);
  EXPECT(USAGE, dlrun_value_string(value, 2, &text, &length));
  EXPECT(USAGE, dlrun_value_string(value, SIZE_MAX, &text, &length));
  EXPECT(DTYPE, dlrun_value_data(value, NULL, NULL));
  EXPECT(DTYPE, dlrun_value_count(value, &count));
  EXPECT(OK, dlrun_value_optional(NULL, &other));
  EXPECT(OK, dlrun_value_count(other, &count));
  CHECK(count == 0);
  EXPECT(USAGE, dlrun_value_element(other, 0, &other));
  EXPECT(DTYPE, dlrun_value_type(other, NULL, NULL));
  EXPECT(DTYPE, dlrun_value_map(other, value, &other));
  dlrun_value_release(other);
  other = borrow_flower();
  int64_t room[1];
  EXPECT(USAGE, dlrun_value_shape(other, room, 1));
  EXPECT(DTYPE, dlrun_value_string(other, 0, &text, &length));
  EXPECT(DTYPE, dlrun_value_map(other, value, &other));
  dlrun_value_release(other);
  dlrun_value_release(value);
}

static void models(void) {
  static unsigned char file[1 << 16], bad[1 << 16];
  dlrun_session *session = NULL;
  FILE *f = fopen(iris, "rb");
  size_t size = f ? fread(file, 1, sizeof file, f) : 0;
  if (f)
    fclose(f);
  CHECK(size > 1000);
  EXPECT(INPUT_MISSING, dlrun_session_create("nowhere/model.onnx", NULL, &session));
  CHECK(strstr(dlrun_error_message(), "nowhere/model.onnx") != NULL);
  CHECK(dlrun_session_create("", NULL, &session) != DLRUN_OK);
  CHECK(dlrun_session_create("/", NULL, &session) != DLRUN_OK);
  CHECK(dlrun_session_create_from_memory(file, 0, NULL, &session) != DLRUN_OK);
  EXPECT(USAGE, dlrun_session_create_from_memory(file, SIZE_MAX, NULL, &session));
  memset(bad, 0xA5, sizeof bad);
  CHECK(dlrun_session_create_from_memory(bad, 100, NULL, &session) != DLRUN_OK);
  CHECK(dlrun_session_create_from_memory("\x1f\x8b not gzip", 11, NULL, &session) != DLRUN_OK);
  CHECK(session == NULL);

  /* The file cut off anywhere, and with any one byte wrong: an error or a model, never a crash. */
  int refused = 0;
  for (size_t i = 1; i < size; i++) {
    if (dlrun_session_create_from_memory(file, i, NULL, &session) != DLRUN_OK)
      refused++;
    dlrun_session_release(session);
    session = NULL;
  }
  CHECK(refused > 1000);
  for (size_t i = 0; i < size; i++) {
    memcpy(bad, file, size);
    bad[i] ^= (unsigned char)(1 + i % 255);
    dlrun_status status = dlrun_session_create_from_memory(bad, size, NULL, &session);
    CHECK(status == DLRUN_OK || dlrun_error_message()[0] != 0);
    if (status == DLRUN_OK) {
      dlrun_tensor x = {DLRUN_FLOAT32, 2, {1, 4}, flower, sizeof flower, NULL}, y = {0};
      if (dlrun_session_run_tensors(session, NULL, &x, 1, NULL, &y, 1) == DLRUN_OK)
        dlrun_value_release(y.value);
    }
    dlrun_session_release(session);
    session = NULL;
  }
}

static void session_options(void) {
  dlrun_session *session = NULL;
  dlrun_session_options options = DLRUN_SESSION_OPTIONS_INIT;
  static const size_t wrong[] = {0, 1, 7, (size_t)1 << 40, SIZE_MAX};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    options.size = wrong[i];
    EXPECT(USAGE, dlrun_session_create(iris, &options, &session));
  }
#define WRONG(status, field, setting)                                                              \
  do {                                                                                             \
    dlrun_session_options wrong_options = DLRUN_SESSION_OPTIONS_INIT;                              \
    wrong_options.field = setting;                                                                 \
    EXPECT(status, dlrun_session_create(iris, &wrong_options, &session));                          \
  } while (0)
  WRONG(USAGE, threads, -1);
  WRONG(USAGE, threads, INT32_MAX);
  WRONG(USAGE, optimization, (dlrun_optimization)7);
  WRONG(USAGE, plan_cache_size, -1);
  WRONG(BUDGET, max_memory_bytes, 1);
  WRONG(USAGE, operator_count, 1);
  CHECK(session == NULL);
  /* The part of the structure that a program of the first version knows. */
  memset(&options, 0xEE, sizeof options);
  options.size = offsetof(dlrun_session_options, exact);
  options.threads = 1;
  options.optimization = DLRUN_OPTIMIZE_NONE;
  EXPECT(OK, dlrun_session_create(iris, &options, &session));
  /* And of a later one, with fields that this library does not know. */
  struct {
    dlrun_session_options known;
    int64_t later[4];
  } future = {DLRUN_SESSION_OPTIONS_INIT, {1, 2, 3, 4}};
  future.known.size = sizeof future;
  dlrun_session_release(session);
  EXPECT(OK, dlrun_session_create(iris, &future.known, &session));
  dlrun_port port = {0};
  port.size = offsetof(dlrun_port, rank);
  port.rank = 77;
  EXPECT(OK, dlrun_session_input(session, 0, &port));
  CHECK(strcmp(port.name, "features") == 0 && port.rank == 77);
  EXPECT(USAGE, dlrun_session_input(session, 1, &port));
  EXPECT(USAGE, dlrun_session_output(session, SIZE_MAX, &port));
  EXPECT(USAGE, dlrun_session_property(session, 99, NULL, NULL));
  dlrun_session_release(session);
}

static void runs(void) {
  dlrun_session *session = open_iris();
  dlrun_value *value = borrow_flower(), *output = NULL, *wrong = NULL;
  const dlrun_value *inputs[] = {value}, *wrong_inputs[1], *two[] = {value, value};
  const char *nobody[] = {"nobody"}, *nothing[] = {""};
  dlrun_value *many[4] = {NULL, NULL, NULL, NULL};
  static const double seconds[] = {NAN, -1, -INFINITY};
  for (size_t i = 0; i < 3; i++) {
    dlrun_run_options options = DLRUN_RUN_OPTIONS_INIT;
    options.seconds = seconds[i];
    EXPECT(USAGE, dlrun_session_run(session, &options, NULL, inputs, 1, NULL, &output, 1));
  }
  dlrun_run_options options = DLRUN_RUN_OPTIONS_INIT;
  options.seconds = 1e-9;
  EXPECT(DEADLINE, dlrun_session_run(session, &options, NULL, inputs, 1, NULL, &output, 1));
  options.seconds = INFINITY;
  EXPECT(OK, dlrun_session_run(session, &options, NULL, inputs, 1, NULL, &output, 1));
  dlrun_value_release(output);
  output = NULL;
  options.size = 3;
  EXPECT(USAGE, dlrun_session_run(session, &options, NULL, inputs, 1, NULL, &output, 1));
  options.size = sizeof options;
  options.profile_path = "nowhere/trace.json";
  EXPECT(IO, dlrun_session_run(session, &options, NULL, inputs, 1, NULL, &output, 1));
  EXPECT(USAGE, dlrun_session_run(session, NULL, nobody, inputs, 1, NULL, &output, 1));
  CHECK(strstr(dlrun_error_message(), "nobody") != NULL);
  EXPECT(USAGE, dlrun_session_run(session, NULL, NULL, inputs, 1, nobody, &output, 1));
  EXPECT(USAGE, dlrun_session_run(session, NULL, nothing, inputs, 1, NULL, &output, 1));
  EXPECT(USAGE, dlrun_session_run(session, NULL, NULL, inputs, 1, nothing, &output, 1));
  EXPECT(USAGE, dlrun_session_run(session, NULL, NULL, two, 2, NULL, &output, 1));
  EXPECT(USAGE, dlrun_session_run(session, NULL, NULL, NULL, 0, NULL, &output, 1));
  EXPECT(USAGE, dlrun_session_run(session, NULL, NULL, inputs, 1, NULL, many, 4));
  EXPECT(USAGE, dlrun_session_run(session, NULL, NULL, inputs, 1, NULL, many, SIZE_MAX / 64));
  CHECK(output == NULL && many[0] == NULL);

  /* Inputs and outputs that do not fit. */
  const double doubles[4] = {1, 2, 3, 4};
  const float five[5] = {1, 2, 3, 4, 5};
  const int64_t wide[] = {1, 5}, one[] = {4}, result[] = {1, 3};
  EXPECT(OK, dlrun_value_copy(DLRUN_FLOAT64, flower_shape, 2, doubles, 32, &wrong));
  wrong_inputs[0] = wrong;
  EXPECT(DTYPE, dlrun_session_run(session, NULL, NULL, wrong_inputs, 1, NULL, &output, 1));
  dlrun_value_release(wrong);
  EXPECT(OK, dlrun_value_copy(DLRUN_FLOAT32, wide, 2, five, 20, &wrong));
  wrong_inputs[0] = wrong;
  EXPECT(SHAPE, dlrun_session_run(session, NULL, NULL, wrong_inputs, 1, NULL, &output, 1));
  dlrun_value_release(wrong);
  EXPECT(OK, dlrun_value_copy(DLRUN_FLOAT32, one, 1, five, 16, &wrong));
  wrong_inputs[0] = wrong;
  EXPECT(SHAPE, dlrun_session_run(session, NULL, NULL, wrong_inputs, 1, NULL, &output, 1));
  dlrun_value_release(wrong);
  EXPECT(OK, dlrun_value_sequence(inputs, 1, &wrong));
  wrong_inputs[0] = wrong;
  EXPECT(DTYPE, dlrun_session_run(session, NULL, NULL, wrong_inputs, 1, NULL, &output, 1));
  dlrun_value_release(wrong);
  EXPECT(OK, dlrun_value_copy(DLRUN_FLOAT32, result, 2, five, 12, &wrong));
  EXPECT(USAGE, dlrun_session_run(session, NULL, NULL, inputs, 1, NULL, &wrong, 1));
  dlrun_value_release(wrong);
  float memory[5];
  EXPECT(OK, dlrun_value_borrow(DLRUN_FLOAT32, wide, 2, memory, 20, &wrong));
  EXPECT(SHAPE, dlrun_session_run(session, NULL, NULL, inputs, 1, NULL, &wrong, 1));
  dlrun_value_release(wrong);

  /* The same without handles. */
  dlrun_tensor x = {DLRUN_FLOAT32, 2, {1, 4}, flower, sizeof flower, NULL}, y[4] = {{0}};
  const size_t seven[] = {7};
  dlrun_tensor bad = x;
  bad.size_bytes = 3;
  EXPECT(SHAPE, dlrun_session_run_tensors(session, NULL, &bad, 1, NULL, y, 1));
  bad = x;
  bad.rank = UINT32_MAX;
  EXPECT(SHAPE, dlrun_session_run_tensors(session, NULL, &bad, 1, NULL, y, 1));
  bad = x;
  bad.shape[0] = -1;
  EXPECT(SHAPE, dlrun_session_run_tensors(session, NULL, &bad, 1, NULL, y, 1));
  bad = x;
  bad.data = NULL;
  EXPECT(SHAPE, dlrun_session_run_tensors(session, NULL, &bad, 1, NULL, y, 1));
  bad = x;
  bad.dtype = (dlrun_dtype)77;
  EXPECT(DTYPE, dlrun_session_run_tensors(session, NULL, &bad, 1, NULL, y, 1));
  bad = x;
  bad.dtype = DLRUN_UNDEFINED;
  EXPECT(USAGE, dlrun_session_run_tensors(session, NULL, &bad, 1, NULL, y, 1));
  bad = x;
  bad.value = (dlrun_value *)(uintptr_t)99;
  EXPECT(USAGE, dlrun_session_run_tensors(session, NULL, &bad, 1, NULL, y, 1));
  EXPECT(USAGE, dlrun_session_run_tensors(session, NULL, &x, 2, NULL, y, 1));
  EXPECT(USAGE, dlrun_session_run_tensors(session, NULL, &x, 1, seven, y, 1));
  EXPECT(USAGE, dlrun_session_run_tensors(session, NULL, &x, 1, NULL, y, 4));
  EXPECT(USAGE, dlrun_session_run_tensors(session, NULL, &x, 1, NULL, y, SIZE_MAX / 64));
  EXPECT(USAGE, dlrun_session_run_tensors(session, NULL, &x, 1, NULL, NULL, 1));
  EXPECT(OK, dlrun_session_run_tensors(session, NULL, &x, 1, NULL, NULL, 0));
  CHECK(y[0].value == NULL);
  EXPECT(OK, dlrun_session_run_tensors(session, NULL, &x, 1, NULL, y, 1));
  CHECK(y[0].size_bytes == 12 && ((float *)y[0].data)[0] > 0.9f);
  dlrun_value_release(y[0].value);
  dlrun_value_release(value);
  dlrun_session_release(session);
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: wrong_use MODEL\n");
    return 64;
  }
  iris = argv[1];
  begin_checks();
  CHECK(strcmp(dlrun_error_message(), "") == 0);
  CHECK(strcmp(dlrun_status_name(DLRUN_SHAPE), "shape") == 0);
  CHECK(strcmp(dlrun_status_name((dlrun_status)-1), "?") == 0);
  CHECK(strcmp(dlrun_status_name((dlrun_status)99), "?") == 0);
  null_pointers();
  stale_handles();
  values();
  models();
  session_options();
  runs();
  return end_checks();
}
