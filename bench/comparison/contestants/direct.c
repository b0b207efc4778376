/* What libguestfs can do when nothing stands between it and the program. Reads a task a line, answers with its
   seconds. */
#include <guestfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void must(int result, const char *what) {
  if (result != -1) return;
  fprintf(stderr, "%s failed\n", what);
  exit(1);
}

static long heard;

static void listener(guestfs_h *g, void *opaque, uint64_t event, int handle, int flags, const char *text,
                     size_t size, const uint64_t *array, size_t array_size) {
  (void)g, (void)opaque, (void)event, (void)handle, (void)flags, (void)text, (void)size, (void)array,
      (void)array_size;
  heard++;
}

/* Events until `count` have been heard. */
static void trace(guestfs_h *g, long count) {
  int id = guestfs_set_event_callback(g, listener, GUESTFS_EVENT_TRACE, 0, NULL);
  must(id, "set_event_callback");
  must(guestfs_set_trace(g, 1), "set_trace");
  for (heard = 0; heard < count;) must(guestfs_get_memsize(g), "get_memsize");
  must(guestfs_set_trace(g, 0), "set_trace");
  guestfs_delete_event_callback(g, id);
}

/* One call for each file, as programs do that know no better. */
static void walk(guestfs_h *g, const char *folder) {
  char **names = guestfs_find(g, folder);
  if (names == NULL) exit(1);
  for (char **name = names; *name != NULL; name++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, *name);
    struct guestfs_statns *stat = guestfs_lstatns(g, path);
    if (stat == NULL) exit(1);
    guestfs_free_statns(stat);
    free(*name);
  }
  free(names);
}

static void run(guestfs_h *g, char **word) {
  const char *task = word[0];
  long count = word[1] == NULL ? 0 : atol(word[1]);
  if (strcmp(task, "launch") == 0) {
    for (int i = 1; word[i] != NULL; i++)
      must(guestfs_add_drive_opts(g, word[i], GUESTFS_ADD_DRIVE_OPTS_FORMAT, "qcow2", -1), task);
    must(guestfs_launch(g), task);
  } else if (strcmp(task, "mount") == 0) {
    must(guestfs_mount(g, word[1], "/"), task);
  } else if (strcmp(task, "ping") == 0) {
    while (count-- > 0) must(guestfs_ping_daemon(g), task);
  } else if (strcmp(task, "look") == 0) {
    while (count-- > 0) must(guestfs_get_memsize(g), task);
  } else if (strcmp(task, "download") == 0) {
    must(guestfs_download(g, word[1], "/dev/null"), task);
  } else if (strcmp(task, "upload") == 0) {
    must(guestfs_upload(g, word[1], word[2]), task);
  } else if (strcmp(task, "trace") == 0) {
    trace(g, count);
  } else if (strcmp(task, "walk") == 0) {
    walk(g, word[1]);
  } else {
    exit(1);
  }
}

int main(void) {
  char line[4096];
  guestfs_h *g = guestfs_create();
  if (g == NULL) return 1;
  while (fgets(line, sizeof line, stdin) != NULL) {
    char *word[8] = {strtok(line, " \n")};
    for (int i = 1; i < 7; i++) word[i] = strtok(NULL, " \n");
    double start = now();
    run(g, word);
    printf("{\"seconds\": %.9f}\n", now() - start);
    fflush(stdout);
  }
  guestfs_close(g);
  return 0;
}
