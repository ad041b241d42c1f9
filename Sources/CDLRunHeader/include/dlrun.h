/*
 * The C interface of dlrun, an engine that runs ONNX models on CPUs.
 * Over 400 lines because a C program's authors want one header, with all that it promises.
 *
 *   cc program.c $(pkg-config --cflags --libs dlrun)
 *
 *   dlrun_session *session = NULL;
 *   if (dlrun_session_create("model.onnx", NULL, &session) != DLRUN_OK) {
 *     fprintf(stderr, "%s\n", dlrun_error_message());
 *     return 1;
 *   }
 *   float x[3] = {1, 2, 3};
 *   int64_t shape[2] = {1, 3};
 *   dlrun_value *input = NULL, *output = NULL;
 *   dlrun_value_borrow(DLRUN_FLOAT32, shape, 2, x, sizeof x, &input);
 *   const char *input_names[] = {"x"}, *output_names[] = {"y"};
 *   if (dlrun_session_run(session, NULL, input_names, (const dlrun_value *const *)&input, 1,
 *                         output_names, &output, 1) == DLRUN_OK) {
 *     const void *y;
 *     dlrun_value_data(output, &y, NULL);
 *   }
 *   dlrun_value_release(output);
 *   dlrun_value_release(input);
 *   dlrun_session_release(session);
 *
 * Rules that hold for every call that does not say otherwise:
 * - Status. It returns one. On any other than DLRUN_OK the calling thread's message says what was
 *   wrong, where, what was expected and what came; results are left as they were.
 * - Handles are opaque numbers in the dress of pointers. NULL, a handle that was released and one
 *   of another kind are refused with DLRUN_USAGE; releasing one of these does nothing.
 * - Threads. Any call may be made from any thread at any time, on the same handles too. A handle
 *   may be released while others use it: what they do is done, and its memory goes with the last.
 * - Ownership. A handle that a call stores is the caller's, to be released once. What the caller
 *   hands over - options, names, shapes, strings, models - is copied or read during the call and
 *   may go when it returns; the exceptions are memory that is borrowed or adopted, and functions
 *   with their contexts.
 * - Strings are UTF-8 and end with NUL. Those that the library returns belong to the handle they
 *   were asked of, and live as long as it.
 * - The library never aborts, exits or prints, keeps no state outside its handles but the message
 *   of each thread, and installs no signal handlers. It starts threads for sessions that have more
 *   than one, and ends them with the session; after fork() a child may only use sessions that it
 *   opens itself.
 * - What no library can check is the caller's: that an address which is not NULL has memory behind
 *   it, as many elements as the count beside it says, aligned as its type wants.
 * - Structures begin with their size, so that programs compiled against an older header go on
 *   working: set them with their initialiser, or zero them and set `size`; fields that come later
 *   have their defaults.
 */
#ifndef DLRUN_H
#define DLRUN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The header's version; dlrun_version() is that of the library. */
#define DLRUN_VERSION_MAJOR 0
#define DLRUN_VERSION_MINOR 1
#define DLRUN_VERSION_PATCH 0

/* ---- Status ---------------------------------------------------------------------------------- */

/* What a call came to. Numbers do not change once they exist. */
typedef enum dlrun_status {
  DLRUN_OK = 0,
  DLRUN_USAGE = 1,            /* wrong use: a null pointer, an unknown name, a missing input */
  DLRUN_SHAPE = 2,            /* sizes that do not fit */
  DLRUN_DTYPE = 3,            /* element types or kinds of value that do not fit */
  DLRUN_VALUE = 4,            /* contents that are not legal, such as an index out of range */
  DLRUN_INPUT_MISSING = 5,    /* a file that is not there */
  DLRUN_MALFORMED = 6,        /* a file that is not what it claims to be */
  DLRUN_INVALID_MODEL = 7,    /* a model that breaks the format's rules */
  DLRUN_UNSUPPORTED = 8,      /* an operator or a feature that dlrun lacks */
  DLRUN_BUDGET = 9,           /* memory or another budget is used up */
  DLRUN_DEADLINE = 10,        /* the run's deadline passed */
  DLRUN_CANCELLED = 11,       /* the run was cancelled */
  DLRUN_IO = 12,              /* a file could not be read or written */
  DLRUN_LIBRARY_MISSING = 13, /* a system library is needed that is not installed */
  DLRUN_INTERNAL = 14         /* a defect of dlrun */
} dlrun_status;

/*
 * The message of this thread's last call that failed: one line, never NULL, "" when none failed.
 * Calls that succeed leave it. Valid until this thread's next call that fails, or its end.
 */
const char *dlrun_error_message(void);

/* "0.1.0": the library's version. Never NULL; lives as long as the process. */
const char *dlrun_version(void);

/*
 * A short name of a status: "shape" for DLRUN_SHAPE; "?" for numbers that are none. Never NULL;
 * lives as long as the process.
 */
const char *dlrun_status_name(dlrun_status status);

/* ---- Element types --------------------------------------------------------------------------- */

/* The numbers are those of ONNX' TensorProto.DataType. */
typedef enum dlrun_dtype {
  DLRUN_UNDEFINED = 0,
  DLRUN_FLOAT32 = 1,
  DLRUN_UINT8 = 2,
  DLRUN_INT8 = 3,
  DLRUN_UINT16 = 4,
  DLRUN_INT16 = 5,
  DLRUN_INT32 = 6,
  DLRUN_INT64 = 7,
  DLRUN_STRING = 8,
  DLRUN_BOOL = 9,
  DLRUN_FLOAT16 = 10,
  DLRUN_FLOAT64 = 11,
  DLRUN_UINT32 = 12,
  DLRUN_UINT64 = 13,
  DLRUN_COMPLEX64 = 14,
  DLRUN_COMPLEX128 = 15,
  DLRUN_BFLOAT16 = 16,
  DLRUN_FLOAT8E4M3FN = 17,
  DLRUN_FLOAT8E4M3FNUZ = 18,
  DLRUN_FLOAT8E5M2 = 19,
  DLRUN_FLOAT8E5M2FNUZ = 20,
  DLRUN_UINT4 = 21, /* two to a byte, the first in the low bits; so are all below 8 bits */
  DLRUN_INT4 = 22,
  DLRUN_FLOAT4E2M1 = 23,
  DLRUN_FLOAT8E8M0 = 24,
  DLRUN_UINT2 = 25,
  DLRUN_INT2 = 26,
  DLRUN_FLOAT6E2M3 = 27,
  DLRUN_FLOAT6E3M2 = 28
} dlrun_dtype;

/* ---- Values ---------------------------------------------------------------------------------- */

/*
 * A tensor, a sequence, an optional or a map: what goes into a run and comes out of it. Contents
 * do not change, so any number of threads may read one at once.
 */
typedef struct dlrun_value dlrun_value;

typedef enum dlrun_kind {
  DLRUN_TENSOR = 1,
  DLRUN_SEQUENCE = 2,
  DLRUN_OPTIONAL = 3, /* one element, or none */
  DLRUN_MAP = 4       /* two elements: a tensor of keys and a tensor of values */
} dlrun_kind;

/*
 * A tensor over memory of the caller, who keeps it in place until the value is released and the
 * runs that were given it have ended, and does not write to it while a run reads it. Nothing is
 * copied. As an output of a run, the memory is written; two runs at once must not share it.
 * `shape` has `rank` sizes (at most 8) and may be NULL for rank 0; `data` may be NULL where
 * `size_bytes` is 0. DLRUN_SHAPE: a negative size, too high a rank, or a `size_bytes` that is not
 * that of shape and element type; DLRUN_DTYPE: no element type, or strings.
 */
dlrun_status dlrun_value_borrow(dlrun_dtype dtype, const int64_t *shape, size_t rank, void *data,
                                size_t size_bytes, dlrun_value **out);

/*
 * The same, with a function that is called once, on any thread, when the memory is no longer used:
 * the value is released and no run, result or sequence holds it. Not called where this call fails:
 * the memory is then still the caller's.
 */
dlrun_status dlrun_value_adopt(dlrun_dtype dtype, const int64_t *shape, size_t rank, void *data,
                               size_t size_bytes, void (*done)(void *context), void *context,
                               dlrun_value **out);

/* A tensor with a copy of the caller's elements. DLRUN_BUDGET: no memory for it. */
dlrun_status dlrun_value_copy(dlrun_dtype dtype, const int64_t *shape, size_t rank,
                              const void *data, size_t size_bytes, dlrun_value **out);

/*
 * A tensor of strings, copied; as many as the shape says. `lengths` in bytes, so that strings may
 * hold NUL; NULL: each ends at its first. DLRUN_VALUE: one is not UTF-8.
 */
dlrun_status dlrun_value_strings(const int64_t *shape, size_t rank, const char *const *strings,
                                 const size_t *lengths, dlrun_value **out);

/*
 * A sequence of values, none for `count` 0. It keeps what they hold; the caller still releases his
 * own handles. So do the two that follow.
 */
dlrun_status dlrun_value_sequence(const dlrun_value *const *elements, size_t count,
                                  dlrun_value **out);

/* An optional with this element, or an empty one for NULL. */
dlrun_status dlrun_value_optional(const dlrun_value *element, dlrun_value **out);

/* A map from keys (one axis; int64 or string) to values (as many). */
dlrun_status dlrun_value_map(const dlrun_value *keys, const dlrun_value *values, dlrun_value **out);

/*
 * Reads a tensor from .npy, .npz, .pb (TensorProto), .safetensors, .csv or .json, as its name ends;
 * DLRUN_USAGE where the file holds several. DLRUN_INPUT_MISSING, DLRUN_MALFORMED, DLRUN_IO.
 */
dlrun_status dlrun_value_read(const char *path, dlrun_value **out);

/* Gives a value back. Memory that it shares with runs, results or sequences lives on with them. */
void dlrun_value_release(dlrun_value *value);

/* What the value is. */
dlrun_status dlrun_value_kind(const dlrun_value *value, dlrun_kind *out);

/*
 * Element type and rank of a tensor; DLRUN_DTYPE for other kinds. Either of the results may be
 * NULL.
 */
dlrun_status dlrun_value_type(const dlrun_value *value, dlrun_dtype *dtype, size_t *rank);

/*
 * The sizes of a tensor, first axis first, into room for `capacity` of them; DLRUN_USAGE where that
 * is too few. Eight are always enough.
 */
dlrun_status dlrun_value_shape(const dlrun_value *value, int64_t *shape, size_t capacity);

/*
 * The elements of a tensor in row-major order, and their bytes; valid until the value is released.
 * Either of the results may be NULL. DLRUN_DTYPE for strings and for other kinds.
 */
dlrun_status dlrun_value_data(const dlrun_value *value, const void **data, size_t *size_bytes);

/*
 * String `index` of a tensor of strings, in row-major order, and its length in bytes without the
 * NUL at its end; valid as long as the value. Either of the results may be NULL.
 */
dlrun_status dlrun_value_string(const dlrun_value *value, size_t index, const char **string,
                                size_t *length);

/* Elements of a sequence (any number), an optional (0 or 1) or a map (2). DLRUN_DTYPE: a tensor. */
dlrun_status dlrun_value_count(const dlrun_value *value, size_t *out);

/* Element `index`, a value of its own to be released; it outlives what it was taken from. */
dlrun_status dlrun_value_element(const dlrun_value *value, size_t index, dlrun_value **out);

/* ---- Sessions -------------------------------------------------------------------------------- */

/*
 * A model made ready to run. Any number of threads may run one at the same time: each run has
 * memory of its own.
 */
typedef struct dlrun_session dlrun_session;

typedef enum dlrun_optimization {
  DLRUN_OPTIMIZE_NONE = 0,  /* as the file has it */
  DLRUN_OPTIMIZE_BASIC = 1, /* rewrites that keep every result to the last bit */
  DLRUN_OPTIMIZE_ALL = 2    /* everything */
} dlrun_optimization;

typedef enum dlrun_log_level {
  DLRUN_LOG_DEBUG = 0,
  DLRUN_LOG_INFO = 1,
  DLRUN_LOG_WARNING = 2,
  DLRUN_LOG_ERROR = 3
} dlrun_log_level;

/*
 * Receives what a session reports, on any thread that uses it and on several at once, until the
 * session is released and its runs have ended. `message` is one line and lives as long as the call.
 * It may call the library, but not run the session that reports.
 */
typedef void (*dlrun_logger)(void *context, dlrun_log_level level, const char *message);

typedef struct dlrun_operator dlrun_operator;

typedef struct dlrun_session_options {
  size_t size;     /* sizeof(dlrun_session_options); the initialiser sets it */
  int32_t threads; /* of one run, the caller's included; 0: what the process may use */
  dlrun_optimization optimization;
  int32_t exact;             /* not 0: only kernels as accurate as plain summation */
  int32_t check_nan;         /* not 0: a run ends at the first NaN or infinity */
  uint64_t max_memory_bytes; /* for weights and runs; 0: three quarters of the machine's */
  int32_t plan_cache_size;   /* most plans kept, one for each set of input shapes; 0: 512 */
  dlrun_logger logger;       /* NULL: none */
  void *logger_context;
  const dlrun_operator *operators; /* operators of the caller, beside the built-in ones; copied */
  size_t operator_count;
  /*
   * Memory of runs and of their results; both NULL: the system's. Called from any thread, several
   * at once. `alignment` is a power of two, 64 at most; NULL ends the run with DLRUN_BUDGET.
   */
  void *(*allocate)(void *context, size_t size_bytes, size_t alignment);
  void (*deallocate)(void *context, void *memory, size_t size_bytes);
  void *allocator_context; /* must outlive the session and every result of it */
  int32_t compact;         /* not 0: no packed form of weights is larger than the weights */
} dlrun_session_options;

#define DLRUN_SESSION_OPTIONS_INIT                                                                 \
  {                                                                                                \
    sizeof(dlrun_session_options), 0, DLRUN_OPTIMIZE_ALL, 0, 0, 0, 0, NULL, NULL, NULL, 0, NULL,   \
        NULL, NULL, 0                                                                              \
  }

/*
 * Reads a model, .onnx or .pb, perhaps compressed with gzip, or one that `dlrun compile` made, and
 * makes it ready. `options` may be NULL and is not kept. DLRUN_INPUT_MISSING, DLRUN_IO,
 * DLRUN_MALFORMED, DLRUN_INVALID_MODEL, DLRUN_UNSUPPORTED, DLRUN_BUDGET; DLRUN_USAGE: options that
 * are not legal. A file whose weights are mapped must not be changed while the session lives.
 */
dlrun_status dlrun_session_create(const char *path, const dlrun_session_options *options,
                                  dlrun_session **out);

/*
 * The same from a model in memory, which is copied. A model whose weights lie in files of their
 * own has to be read from a path.
 */
dlrun_status dlrun_session_create_from_memory(const void *model, size_t size_bytes,
                                              const dlrun_session_options *options,
                                              dlrun_session **out);

/*
 * Gives a session back. Runs that are under way come to their end; the memory goes with the last of
 * them. Results stay: they are values of their own.
 */
void dlrun_session_release(dlrun_session *session);

/* An input or an output of a model. What the pointers lead to lives as long as the session. */
typedef struct dlrun_port {
  size_t size; /* sizeof(dlrun_port), set by the caller */
  const char *name;
  dlrun_kind kind;
  dlrun_dtype dtype;          /* DLRUN_UNDEFINED where the model does not say */
  int64_t rank;               /* -1 where the model does not say */
  const int64_t *shape;       /* -1 for sizes that the model leaves open */
  const char *const *symbols; /* the names of open sizes, "" for the others */
  int32_t is_optional;        /* whether a run may leave it out */
  const char *type;           /* in words: "float32[batch, 3, 224, 224]" */
} dlrun_port;

/* How many, and each of them: `out->size` is set before the call. DLRUN_USAGE: no such index. */
dlrun_status dlrun_session_input_count(const dlrun_session *session, size_t *out);
dlrun_status dlrun_session_output_count(const dlrun_session *session, size_t *out);
dlrun_status dlrun_session_input(const dlrun_session *session, size_t index, dlrun_port *out);
dlrun_status dlrun_session_output(const dlrun_session *session, size_t index, dlrun_port *out);

/* What a model's file says of itself, "" where it does not. Lives as long as the session. */
typedef struct dlrun_model_info {
  size_t size; /* sizeof(dlrun_model_info), set by the caller */
  const char *producer;
  const char *producer_version;
  const char *graph;
  const char *domain;
  const char *description;
  const char *graph_description;
  int64_t version;
  size_t property_count;
} dlrun_model_info;

/* `out->size` is set before the call. */
dlrun_status dlrun_session_model(const dlrun_session *session, dlrun_model_info *out);

/*
 * Property `index` of the model's metadata, in the order of their names; valid as long as the
 * session. Either of the results may be NULL.
 */
dlrun_status dlrun_session_property(const dlrun_session *session, size_t index, const char **key,
                                    const char **value);

/* Threads that take part in a run of the session. */
dlrun_status dlrun_session_threads(const dlrun_session *session, int32_t *out);

/* ---- Runs ------------------------------------------------------------------------------------ */

/* Ends runs from another thread. */
typedef struct dlrun_cancellation dlrun_cancellation;

/* One that may be given to any number of runs, of any sessions. */
dlrun_status dlrun_cancellation_create(dlrun_cancellation **out);
/*
 * Every run that was given it, now or later, ends with DLRUN_CANCELLED between two operators. There
 * is no way back: the next runs need another.
 */
dlrun_status dlrun_cancellation_cancel(dlrun_cancellation *cancellation);
/* Runs that have it go on, and can no longer be cancelled. */
void dlrun_cancellation_release(dlrun_cancellation *cancellation);

typedef struct dlrun_run_options {
  size_t size; /* sizeof(dlrun_run_options); the initialiser sets it */
  /* The run may take, looked at between operators; 0 or infinity: as long as it needs. */
  double seconds;
  dlrun_cancellation *cancellation; /* may be NULL */
  const char *profile_path;         /* NULL, or where to write what ran when, as a Chrome trace */
} dlrun_run_options;

#define DLRUN_RUN_OPTIONS_INIT                                                                     \
  { sizeof(dlrun_run_options), 0, NULL, NULL }

/*
 * Runs the model.
 *
 * `inputs[i]` is the value of the input named `input_names[i]`; those with defaults may be left
 * out. `outputs[i]` receives the value named `output_names[i]`: an output, or any other value of
 * the graph. Where `outputs[i]` is not NULL before the call, it must be a tensor made by
 * dlrun_value_borrow or dlrun_value_adopt, of the output's exact type: the result is written to
 * its memory. Otherwise a new value is stored there, to be released.
 * `input_names` NULL stands for the model's own order; so does `output_names` NULL.
 * `options` may be NULL. On failure `outputs` is as before; memory of the caller may have been
 * written to.
 *
 * DLRUN_USAGE: names or counts that the model does not have, a missing input, seconds that are NaN
 * or below 0; DLRUN_SHAPE, DLRUN_DTYPE: an input or output that does not fit; DLRUN_VALUE: contents
 * that an operator refuses; DLRUN_CANCELLED, DLRUN_DEADLINE, DLRUN_BUDGET; DLRUN_IO: the profile.
 */
dlrun_status dlrun_session_run(const dlrun_session *session, const dlrun_run_options *options,
                               const char *const *input_names, const dlrun_value *const *inputs,
                               size_t input_count, const char *const *output_names,
                               dlrun_value **outputs, size_t output_count);

/*
 * A tensor without a handle, for the run with the least cost. Begin with one that is all zero.
 *
 * As an input: all fields but `value`; dtype DLRUN_UNDEFINED for an input that is left out.
 * As an output, before the run: `data` NULL, or memory of the caller for a result of this dtype and
 * shape. After it: dtype and shape as they came out. `value` is NULL where the caller's memory was
 * written; else the result came in memory of its own, `data` points to it, and `value` has to be
 * released. For a string tensor, a sequence, an optional or a map `data` is NULL and `value` has
 * it.
 */
typedef struct dlrun_tensor {
  dlrun_dtype dtype;
  uint32_t rank;
  int64_t shape[8];
  void *data;
  size_t size_bytes;
  dlrun_value *value;
} dlrun_tensor;

/*
 * Runs the model on tensors in the model's order: as many inputs as it has. `places` says which
 * outputs are wanted, by their numbers; NULL stands for the first `output_count`. An output whose
 * memory does not fit what came is given memory of its own instead. An input may be a handle as
 * well: then `value` is set and the other fields are not looked at. Errors as dlrun_session_run.
 */
dlrun_status dlrun_session_run_tensors(const dlrun_session *session,
                                       const dlrun_run_options *options, const dlrun_tensor *inputs,
                                       size_t input_count, const size_t *places,
                                       dlrun_tensor *outputs, size_t output_count);

/*
 * What dlrun_session_run_tensors is given, in one structure that serves again and again: for
 * callers whose bridge to C charges by the argument, as those of interpreted languages do.
 */
typedef struct dlrun_call {
  size_t size; /* sizeof(dlrun_call) */
  const dlrun_session *session;
  const dlrun_run_options *options; /* may be NULL */
  const dlrun_tensor *inputs;
  size_t input_count;
  const size_t *places; /* may be NULL */
  dlrun_tensor *outputs;
  size_t output_count;
  /*
   * Not 0: `data` of a tensor is where a pointer to its elements stands, such as in an array
   * object. It is followed when the call begins. An output that came in memory of its own has the
   * address of its elements in `data`.
   */
  int32_t indirect;
} dlrun_call;

dlrun_status dlrun_session_call(const dlrun_call *call);

/* ---- Operators of the caller ----------------------------------------------------------------- */

/* A node's attributes, until `create` returns; so long live what the calls below give. */
typedef struct dlrun_attributes dlrun_attributes;

/* Each returns DLRUN_USAGE where the node has no such attribute, DLRUN_DTYPE for another kind. */
dlrun_status dlrun_attribute_int(const dlrun_attributes *node, const char *name, int64_t *out);
dlrun_status dlrun_attribute_float(const dlrun_attributes *node, const char *name, float *out);
dlrun_status dlrun_attribute_string(const dlrun_attributes *node, const char *name,
                                    const char **out);
dlrun_status dlrun_attribute_ints(const dlrun_attributes *node, const char *name,
                                  const int64_t **out, size_t *count);
dlrun_status dlrun_attribute_floats(const dlrun_attributes *node, const char *name,
                                    const float **out, size_t *count);

/* A tensor's type while shapes are settled: sizes are known, for operators run on known types. */
typedef struct dlrun_tensor_type {
  dlrun_dtype dtype;
  size_t rank;
  int64_t shape[8];
} dlrun_tensor_type;

/*
 * How a callback says why it failed, before it returns another status than DLRUN_OK. `message` is
 * copied and kept for the calling thread's callback; NULL takes it back.
 */
void dlrun_operator_fail(const char *message);

/*
 * An operator: functions and the context they are given. They may be called from many threads at
 * once, on one state too, and must return: no longjmp, no exception. They may call the library.
 * Functions and context must live until the session is released and its runs have ended. A status
 * other than DLRUN_OK ends what was being done with that status or one near it.
 */
struct dlrun_operator {
  size_t size;        /* sizeof(dlrun_operator) */
  const char *domain; /* not "" and not "ai.onnx" */
  const char *name;
  int32_t since_version;
  int32_t min_inputs, max_inputs; /* max -1: any number */
  int32_t outputs;                /* at most; the first is always asked for */
  void *context;                  /* handed to `create` */
  /*
   * Makes the state of one node from its attributes; NULL: the state is `context`. Nothing is
   * destroyed where it fails.
   */
  dlrun_status (*create)(void *context, const dlrun_attributes *node, void **state);
  void (*destroy)(void *state); /* NULL: nothing to do */
  /* Sets the outputs' types, all of them. An absent input has dtype DLRUN_UNDEFINED. */
  dlrun_status (*infer)(void *state, const dlrun_tensor_type *inputs, size_t input_count,
                        dlrun_tensor_type *outputs, size_t output_count);
  /*
   * Computes. Addresses of absent inputs are NULL. Writes every byte of the outputs, none of the
   * inputs; outputs that nobody asked for have dtype DLRUN_UNDEFINED.
   */
  dlrun_status (*compute)(void *state, const dlrun_tensor_type *input_types,
                          const void *const *inputs, size_t input_count,
                          const dlrun_tensor_type *output_types, void *const *outputs,
                          size_t output_count);
};

#ifdef __cplusplus
}
#endif

#endif
