/*
 * Counts what holds and what does not; programs that use it end with `N passed, N failed`, say
 * nothing else where all is well, and see to it that the library prints nothing.
 */
#ifndef CHECKS_H
#define CHECKS_H

#include <dlrun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static FILE *report;
static FILE *printed;
static int passed_count, failed_count;

/* From here on the process's own outputs go to a file that has to stay empty. */
static void begin_checks(void) {
  fflush(NULL);
  report = fdopen(dup(1), "w");
  printed = tmpfile();
  if (!report || !printed || dup2(fileno(printed), 1) < 0 || dup2(fileno(printed), 2) < 0)
    exit(70);
}

static void check_at(int line, int holds, const char *what) {
  if (holds) {
    passed_count++;
    return;
  }
  failed_count++;
  fprintf(report, "line %d: %s (message: %s)\n", line, what, dlrun_error_message());
  fflush(report);
}

/* A call's status, and that a failure says why, in one line. */
static void expect_at(int line, dlrun_status expected, dlrun_status came, const char *call) {
  const char *message = dlrun_error_message();
  int holds = expected == came;
  if (holds && expected != DLRUN_OK)
    holds = message[0] != 0 && strchr(message, '\n') == NULL;
  if (!holds)
    fprintf(report, "line %d: expected %s, came %s\n", line, dlrun_status_name(expected),
            dlrun_status_name(came));
  check_at(line, holds, call);
}

#define CHECK(condition) check_at(__LINE__, (condition) ? 1 : 0, #condition)
#define EXPECT(status, call) expect_at(__LINE__, DLRUN_##status, call, #call)

/* The line of totals; the program's exit status. */
static int end_checks(void) {
  struct stat file;
  fflush(NULL);
  int is_silent = fstat(fileno(printed), &file) == 0 && file.st_size == 0;
  check_at(__LINE__, is_silent, "nothing is printed");
  fprintf(report, "%d passed, %d failed\n", passed_count, failed_count);
  fflush(report);
  return failed_count > 0;
}

#endif
