#define _GNU_SOURCE
#include "threads.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

// Reads the first line of a file. Returns whether there was one.
static int first_line(const char *path, char *line, int size) {
  FILE *f = fopen(path, "re");
  if (!f)
    return 0;
  int found = fgets(line, size, f) != NULL;
  fclose(f);
  return found;
}

static int ceil_div(long long quota, long long period, int limit) {
  if (quota <= 0 || period <= 0)
    return limit;
  long long cpus = (quota + period - 1) / period;
  return cpus < limit ? (int)cpus : limit;
}

// The quota of one group directory, version 2 (`cpu.max`) or 1 (`cpu.cfs_quota_us`).
static int group_limit(const char *directory, int version, int limit) {
  char path[PATH_BYTES + 64], line[128];
  long long quota = 0, period = 0;
  if (version == 2) {
    snprintf(path, sizeof path, "%s/cpu.max", directory);
    if (first_line(path, line, sizeof line) && sscanf(line, "%lld %lld", &quota, &period) == 2)
      return ceil_div(quota, period, limit);
    return limit;
  }
  snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", directory);
  if (!first_line(path, line, sizeof line) || sscanf(line, "%lld", &quota) != 1)
    return limit;
  snprintf(path, sizeof path, "%s/cpu.cfs_period_us", directory);
  if (!first_line(path, line, sizeof line) || sscanf(line, "%lld", &period) != 1)
    return limit;
  return ceil_div(quota, period, limit);
}

// The tightest quota of `group` and of every group above it.
static int tree_limit(const char *mount, const char *group, int version, int limit) {
  char path[PATH_BYTES];
  int n = snprintf(path, sizeof path, "%s%s", mount, group);
  if (n < 0 || n >= (int)sizeof path)
    return limit;
  const size_t root = strlen(mount);
  for (;;) {
    limit = group_limit(path, version, limit);
    char *slash = strrchr(path, '/');
    if (!slash || (size_t)(slash - path) < root)
      return limit;
    *slash = 0;
  }
}

int32_t dl_cpu_count(void) {
  int limit = 0;
  // The mask of a machine with many CPUs does not fit in a cpu_set_t.
  for (int cpus = 1024; cpus <= 1 << 20 && limit == 0; cpus *= 4) {
    cpu_set_t *set = CPU_ALLOC(cpus);
    if (!set)
      break;
    if (sched_getaffinity(0, CPU_ALLOC_SIZE(cpus), set) == 0)
      limit = CPU_COUNT_S(CPU_ALLOC_SIZE(cpus), set);
    CPU_FREE(set);
  }
  if (limit == 0)
    limit = (int)sysconf(_SC_NPROCESSORS_ONLN);
  if (limit < 1)
    limit = 1;
  FILE *f = fopen("/proc/self/cgroup", "re");
  if (!f)
    return limit;
  char line[PATH_BYTES];
  while (fgets(line, sizeof line, f)) {
    line[strcspn(line, "\n")] = 0;
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group)
      continue;
    *group++ = 0;
    controllers++;
    if (!strcmp(group, "/"))
      group = (char *)"";
    if (!*controllers) {
      limit = tree_limit("/sys/fs/cgroup", group, 2, limit);
    } else {
      for (char *save = NULL, *c = strtok_r(controllers, ",", &save); c;
           c = strtok_r(NULL, ",", &save))
        if (!strcmp(c, "cpu"))
          limit = tree_limit("/sys/fs/cgroup/cpu", group, 1, limit);
    }
  }
  fclose(f);
  return limit;
}
