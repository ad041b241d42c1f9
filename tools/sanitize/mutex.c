/*
 * Tells ThreadSanitizer what Swift's Mutex does when threads meet: its slow paths lie in the Swift
 * runtime, which is not instrumented, and end in the kernel, so that it sees a lock that nobody
 * takes and calls what it guards a race. Linked with --wrap for the two functions; the fast paths
 * are compiled into our own code.
 */
#include <stdint.h>

void __tsan_acquire(void *address);
void __tsan_release(void *address);

#define SELF __attribute__((swift_context)) void *self
#define SWIFT __attribute__((swiftcall))
#define NAMED(name) __asm__(name)

/* Synchronization._MutexHandle._lockSlow(_: UInt32) and ._unlockSlow() */
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"
SWIFT void real_lock(uint32_t thread, SELF) NAMED("__real_" LOCK);
SWIFT void real_unlock(SELF) NAMED("__real_" UNLOCK);
SWIFT void wrapped_lock(uint32_t thread, SELF) NAMED("__wrap_" LOCK);
SWIFT void wrapped_unlock(SELF) NAMED("__wrap_" UNLOCK);

SWIFT void wrapped_lock(uint32_t thread, SELF) {
  real_lock(thread, self);
  __tsan_acquire(self);
}

SWIFT void wrapped_unlock(SELF) {
  __tsan_release(self);
  real_unlock(self);
}
