/*
 * Classifies the rows of a table: loads a model, says what it takes and gives, reads the columns
 * that its metadata names, runs it on batches of rows and prints the class of each.
 *
 *   cc -std=c99 classify.c $(pkg-config --cflags --libs dlrun) -o classify
 *   ./classify iris.pb iris.csv
 */
#include <dlrun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COLUMNS = 256, MAX_TEXT = 64, MAX_LINE = 1 << 16, BATCH = 64 };

/* Names, as a model's metadata lists them: ["setosa", "versicolor"]. */
typedef struct {
  char text[MAX_COLUMNS][MAX_TEXT];
  int count;
} names;

static int failed(const char *what) {
  fprintf(stderr, "classify: %s: %s\n", what, dlrun_error_message());
  return 0;
}

/* The strings of a JSON list. */
static void read_list(const char *json, names *out) {
  out->count = 0;
  for (const char *at = strchr(json, '"'); at && out->count < MAX_COLUMNS; at = strchr(at, '"')) {
    const char *end = strchr(++at, '"');
    if (!end)
      return;
    size_t length = (size_t)(end - at);
    if (length >= MAX_TEXT)
      length = MAX_TEXT - 1;
    memcpy(out->text[out->count], at, length);
    out->text[out->count++][length] = 0;
    at = end + 1;
  }
}

/* The names under a key of the model's metadata. */
static int read_metadata(const dlrun_session *session, const char *wanted, names *out) {
  dlrun_model_info info = {0};
  info.size = sizeof info;
  if (dlrun_session_model(session, &info) != DLRUN_OK)
    return failed("the model's description");
  for (size_t i = 0; i < info.property_count; i++) {
    const char *key, *value;
    if (dlrun_session_property(session, i, &key, &value) != DLRUN_OK)
      return failed("a property");
    if (strcmp(key, wanted) == 0) {
      read_list(value, out);
      return 1;
    }
  }
  fprintf(stderr, "classify: the model's metadata has no '%s'\n", wanted);
  return 0;
}

static int print_ports(const dlrun_session *session) {
  size_t inputs, outputs;
  if (dlrun_session_input_count(session, &inputs) != DLRUN_OK ||
      dlrun_session_output_count(session, &outputs) != DLRUN_OK)
    return failed("inputs and outputs");
  for (size_t i = 0; i < inputs + outputs; i++) {
    dlrun_port port = {0};
    port.size = sizeof port;
    dlrun_status status = i < inputs ? dlrun_session_input(session, i, &port)
                                     : dlrun_session_output(session, i - inputs, &port);
    if (status != DLRUN_OK)
      return failed("an input or output");
    printf("%s %s: %s\n", i < inputs ? "input" : "output", port.name, port.type);
  }
  return 1;
}

/* Splits a line at its commas, in place. */
static int split(char *line, char **fields) {
  int count = 0;
  line[strcspn(line, "\r\n")] = 0;
  for (char *at = line; at && count < MAX_COLUMNS;) {
    fields[count++] = at;
    at = strchr(at, ',');
    if (at)
      *at++ = 0;
  }
  return count;
}

/* Which of the table's columns each feature is. */
static int find_columns(FILE *table, const names *features, int *columns) {
  static char line[MAX_LINE];
  char *fields[MAX_COLUMNS];
  if (!fgets(line, sizeof line, table)) {
    fprintf(stderr, "classify: the table is empty\n");
    return 0;
  }
  int count = split(line, fields);
  for (int f = 0; f < features->count; f++) {
    columns[f] = -1;
    for (int c = 0; c < count; c++)
      if (strcmp(fields[c], features->text[f]) == 0)
        columns[f] = c;
    if (columns[f] < 0) {
      fprintf(stderr, "classify: the table has no column '%s'\n", features->text[f]);
      return 0;
    }
  }
  return 1;
}

/* Up to BATCH rows into `x`; how many came, -1 for a field that is no number. */
static int read_rows(FILE *table, const int *columns, int features, float *x) {
  static char line[MAX_LINE];
  char *fields[MAX_COLUMNS];
  int rows = 0;
  while (rows < BATCH && fgets(line, sizeof line, table)) {
    int count = split(line, fields);
    for (int f = 0; f < features; f++) {
      char *end = NULL;
      if (columns[f] < count)
        x[rows * features + f] = strtof(fields[columns[f]], &end);
      if (!end || end == fields[columns[f]]) {
        fprintf(stderr, "classify: a field of column %d is no number\n", columns[f] + 1);
        return -1;
      }
    }
    rows++;
  }
  return rows;
}

/* Runs one batch and prints the class of each row. */
static int run_rows(const dlrun_session *session, float *x, int rows, int features,
                    const names *classes) {
  const char *wanted[] = {"probabilities", "label"};
  dlrun_value *input = NULL, *outputs[2] = {NULL, NULL};
  const void *probabilities, *labels;
  int64_t shape[2];
  int done = 0;
  shape[0] = rows;
  shape[1] = features;
  if (dlrun_value_borrow(DLRUN_FLOAT32, shape, 2, x, (size_t)rows * (size_t)features * sizeof *x,
                         &input) != DLRUN_OK)
    return failed("the rows");
  const dlrun_value *inputs[] = {input};
  if (dlrun_session_run(session, NULL, NULL, inputs, 1, wanted, outputs, 2) != DLRUN_OK ||
      dlrun_value_data(outputs[0], &probabilities, NULL) != DLRUN_OK ||
      dlrun_value_data(outputs[1], &labels, NULL) != DLRUN_OK) {
    failed("the run");
  } else {
    for (int r = 0; r < rows; r++) {
      int64_t label = ((const int64_t *)labels)[r];
      const float *row = (const float *)probabilities + r * classes->count;
      if (label >= 0 && label < classes->count)
        printf("%s,%.4f\n", classes->text[label], row[label]);
    }
    done = 1;
  }
  dlrun_value_release(outputs[0]);
  dlrun_value_release(outputs[1]);
  dlrun_value_release(input);
  return done;
}

static int classify(const dlrun_session *session, FILE *table) {
  static names features, classes;
  int columns[MAX_COLUMNS], rows;
  if (!print_ports(session) || !read_metadata(session, "dlrun.features", &features) ||
      !read_metadata(session, "dlrun.classes", &classes) ||
      !find_columns(table, &features, columns))
    return 0;
  float *x = calloc((size_t)BATCH * MAX_COLUMNS, sizeof *x);
  if (!x)
    return 0;
  int done = 1;
  while (done && (rows = read_rows(table, columns, features.count, x)) != 0)
    done = rows > 0 && run_rows(session, x, rows, features.count, &classes);
  free(x);
  return done;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: classify MODEL TABLE.csv\n");
    return 64;
  }
  dlrun_session_options options = DLRUN_SESSION_OPTIONS_INIT;
  options.threads = 1;
  dlrun_session *session = NULL;
  if (dlrun_session_create(argv[1], &options, &session) != DLRUN_OK) {
    failed("the model");
    return 1;
  }
  FILE *table = fopen(argv[2], "r");
  if (!table)
    perror(argv[2]);
  int done = table && classify(session, table);
  if (table)
    fclose(table);
  dlrun_session_release(session);
  return done ? 0 : 1;
}
