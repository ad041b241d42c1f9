#include "threads.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// A Swift closure `(Int, Int) -> Void` that does not escape: two words, called by Swift's
// convention.
typedef __attribute__((swiftcall)) void (*body_fn)(intptr_t piece, intptr_t slot,
                                                   __attribute__((swift_context)) void *);

// `gate`: how many workers are inside the current job, whether more may enter, and whether the
// caller sleeps until the last one leaves.
enum { GATE_OPEN = 1u << 31, GATE_WAITED = 1u << 30, GATE_COUNT = GATE_WAITED - 1 };

// The pieces that one thread of a job begins with: those from the lower half on, as far as the
// upper half, and none where they are equal. Its owner takes the first, who has none left takes the
// last.
typedef struct {
  alignas(64) _Atomic uint64_t span;
} share;

typedef struct {
  dl_pool *pool;
  int32_t number;
} member;

struct dl_pool {
  int32_t workers;
  pthread_t *handles;
  member *members;
  share *shares; // the caller's, then the workers'
  // Fields written by one side and read in a loop by the other lie on lines of their own.
  alignas(64) _Atomic uint32_t epoch; // rises with every job; workers sleep on it
  _Atomic uint32_t sleepers;
  _Atomic bool stopping;
  alignas(64) _Atomic uint32_t gate;
  alignas(64) _Atomic bool busy;
  int32_t parts; // threads that take part in the job: the caller and the first workers
  body_fn body;
  void *context;
};

static inline void pause_cpu(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// Who waits says with one bit for whom it listens, and who wakes whom it means.
static void futex_wait(_Atomic uint32_t *word, uint32_t seen, uint32_t bit) {
  syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, seen, NULL, NULL, bit);
}

static void futex_wake(_Atomic uint32_t *word, uint32_t bits) {
  syscall(SYS_futex, word, FUTEX_WAKE_BITSET_PRIVATE, INT_MAX, NULL, NULL, bits);
}

static const uint32_t ANYONE = FUTEX_BITSET_MATCH_ANY;
static uint32_t bit_of(int32_t worker) { return 1u << (worker % 32); }

// How long a thread looks for work before it sleeps: longer than most steps of a network that one
// thread runs alone, since waking takes about as long again.
enum { SPIN_NS = 100000, PAUSES_PER_LOOK = 32 };

// Waits while `*word == seen`, at most SPIN_NS. Returns whether it changed.
static bool spin(_Atomic uint32_t *word, uint32_t seen) {
  uint64_t end = now_ns() + SPIN_NS;
  do {
    for (int i = 0; i < PAUSES_PER_LOOK; i++) {
      if (atomic_load_explicit(word, memory_order_acquire) != seen)
        return true;
      pause_cpu();
    }
  } while (now_ns() < end);
  return false;
}

static inline uint64_t span_of(uint64_t first, uint64_t end) { return first | end << 32; }

// Takes the first piece of a share, or the last. Returns -1 where there is none.
static intptr_t take(share *s, bool isOwner) {
  uint64_t span = atomic_load_explicit(&s->span, memory_order_relaxed);
  for (;;) {
    const uint32_t first = (uint32_t)span, end = (uint32_t)(span >> 32);
    if (first >= end)
      return -1;
    const uint64_t left = isOwner ? span_of(first + 1u, end) : span_of(first, end - 1u);
    if (atomic_compare_exchange_weak_explicit(&s->span, &span, left, memory_order_relaxed,
                                              memory_order_relaxed))
      return isOwner ? first : end - 1;
  }
}

// Pieces that lie side by side read and write memory that lies side by side. So each thread begins
// with the same part of every job: what it finds in its own cache is what it wrote before.
static void take_pieces(dl_pool *p, int32_t slot) {
  const int32_t parts = p->parts;
  const body_fn body = p->body;
  void *const context = p->context;
  for (int32_t i = 0; i < parts; i++) {
    const int32_t whose = slot + i < parts ? slot + i : slot + i - parts;
    for (;;) {
      const intptr_t piece = take(&p->shares[whose], i == 0);
      if (piece < 0)
        break;
      body(piece, slot, context);
    }
  }
}

static void *work(void *argument) {
  dl_pool *p = ((member *)argument)->pool;
  const int32_t number = ((member *)argument)->number;
  uint32_t seen = 0;
  for (;;) {
    if (!spin(&p->epoch, seen)) {
      // Counted before the futex looks at the epoch: the caller reads them in the other order, so
      // one of the two sees the other.
      atomic_fetch_add(&p->sleepers, 1);
      while (atomic_load(&p->epoch) == seen)
        futex_wait(&p->epoch, seen, bit_of(number));
      atomic_fetch_sub(&p->sleepers, 1);
    }
    seen = atomic_load(&p->epoch);
    if (atomic_load(&p->stopping))
      return NULL;
    uint32_t gate = atomic_load_explicit(&p->gate, memory_order_relaxed);
    bool entered = false;
    while (gate & GATE_OPEN) {
      if (atomic_compare_exchange_weak_explicit(&p->gate, &gate, gate + 1, memory_order_acquire,
                                                memory_order_relaxed)) {
        entered = true;
        break;
      }
    }
    if (!entered)
      continue;
    if (number + 1 < p->parts)
      take_pieces(p, number + 1);
    uint32_t before = atomic_fetch_sub_explicit(&p->gate, 1, memory_order_release);
    if ((before & GATE_WAITED) && (before & GATE_COUNT) == 1)
      futex_wake(&p->gate, ANYONE);
  }
}

dl_pool *dl_pool_create(int32_t threads) {
  dl_pool *p = aligned_alloc(64, (sizeof(dl_pool) + 63) / 64 * 64);
  if (!p)
    return NULL;
  *p = (dl_pool){0};
  int32_t workers = threads > 1 ? threads - 1 : 0;
  if (workers == 0)
    return p;
  p->handles = calloc((size_t)workers, sizeof *p->handles);
  p->members = calloc((size_t)workers, sizeof *p->members);
  p->shares = aligned_alloc(64, ((size_t)workers + 1) * sizeof *p->shares);
  if (!p->handles || !p->members || !p->shares)
    return p;
  // Signals are for the threads of the program, not for ours.
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  while (p->workers < workers) {
    p->members[p->workers] = (member){p, p->workers};
    if (pthread_create(&p->handles[p->workers], NULL, work, &p->members[p->workers]) != 0)
      break;
    p->workers++;
  }
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  return p;
}

int32_t dl_pool_threads(const dl_pool *p) { return p->workers + 1; }

void dl_pool_destroy(dl_pool *p) {
  atomic_store(&p->stopping, true);
  atomic_fetch_add(&p->epoch, 1);
  futex_wake(&p->epoch, ANYONE);
  for (int32_t i = 0; i < p->workers; i++)
    pthread_join(p->handles[i], NULL);
  free(p->handles);
  free(p->members);
  free(p->shares);
  free(p);
}

// Who finds the pool busy does its pieces itself: callers never wait for each other, and a piece
// that starts a job of its own cannot deadlock.
__attribute__((swiftcall)) void dl_pool_run(dl_pool *p, intptr_t pieces, intptr_t slots, void *body,
                                            void *context) {
  body_fn call = (body_fn)body;
  if (pieces <= 1 || slots <= 1 || pieces > INT32_MAX || p->workers == 0 ||
      atomic_exchange_explicit(&p->busy, true, memory_order_acquire)) {
    for (intptr_t i = 0; i < pieces; i++)
      call(i, 0, context);
    return;
  }
  intptr_t parts = p->workers + 1;
  parts = parts < slots ? parts : slots;
  parts = parts < pieces ? parts : pieces;
  p->parts = (int32_t)parts;
  p->body = call;
  p->context = context;
  for (intptr_t i = 0; i < parts; i++) {
    const uint64_t first = (uint64_t)(i * pieces / parts),
                   end = (uint64_t)((i + 1) * pieces / parts);
    atomic_store_explicit(&p->shares[i].span, span_of(first, end), memory_order_relaxed);
  }
  atomic_store_explicit(&p->gate, GATE_OPEN, memory_order_release);
  atomic_fetch_add(&p->epoch, 1);
  if (atomic_load(&p->sleepers) > 0)
    futex_wake(&p->epoch, parts > 32 ? ANYONE : (uint32_t)((1ull << (parts - 1)) - 1));
  take_pieces(p, 0);
  // Nobody may enter any more; who is inside still runs the last pieces.
  uint32_t gate = atomic_fetch_and_explicit(&p->gate, ~(uint32_t)GATE_OPEN, memory_order_acq_rel) &
                  ~(uint32_t)GATE_OPEN;
  uint64_t end = 0;
  while (gate & GATE_COUNT) {
    for (int i = 0; i < PAUSES_PER_LOOK && (gate & GATE_COUNT); i++) {
      pause_cpu();
      gate = atomic_load_explicit(&p->gate, memory_order_acquire);
    }
    if (!(gate & GATE_COUNT))
      break;
    uint64_t t = now_ns();
    if (end == 0)
      end = t + SPIN_NS;
    if (t < end)
      continue;
    if (atomic_compare_exchange_strong(&p->gate, &gate, gate | GATE_WAITED))
      futex_wait(&p->gate, gate | GATE_WAITED, ANYONE);
    gate = atomic_load_explicit(&p->gate, memory_order_acquire);
  }
  atomic_store_explicit(&p->busy, false, memory_order_release);
}
