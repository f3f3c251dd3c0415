/* dockerd of an archive in the layout of 18.06 and before, for tests: today's dockerd looks for
 * containerd, its shim and runc under today's names. This program gives it a PATH that begins
 * with a directory of links of those names to docker-containerd and so on, and becomes it.
 *
 * OLD is the directory that holds the links, and the real dockerd as "dockerd". */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int count, char **arguments) {
  static char path[8192];
  const char *inherited = getenv("PATH");
  (void)count;
  snprintf(path, sizeof path, OLD ":%s", inherited ? inherited : "/usr/sbin:/usr/bin:/sbin:/bin");
  setenv("PATH", path, 1);
  execv(OLD "/dockerd", arguments);
  perror(OLD "/dockerd");
  return 1;
}
