import Glibc
import Tensors

/// Makes batches on a thread of its own, some ahead of who takes them. The thread waits between
/// epochs, and ends when this goes.
///
/// Batches are handed over many at a time: who takes them locks once for all that are ready, and
/// wakes the thread once for as many.
package final class Prefetcher {
  private typealias Make = @Sendable (Int) throws -> Batch?

  /// What both threads see, under `lock`.
  private final class State: @unchecked Sendable {
    let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    /// The thread may have something to do.
    let wanted = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    /// Who takes batches may go on.
    let made = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    var job: (count: Int, ahead: Int, make: Make)?
    /// The number of the job; of those before nothing counts any more.
    var number = 0
    var isBusy = false
    var ready: [Batch] = []
    var failure: (any Error)?
    var isDone = true
    var isCancelled = false

    init() {
      pthread_mutex_init(lock, nil)
      pthread_cond_init(wanted, nil)
      pthread_cond_init(made, nil)
    }

    deinit {
      pthread_mutex_destroy(lock)
      pthread_cond_destroy(wanted)
      pthread_cond_destroy(made)
      lock.deallocate()
      wanted.deallocate()
      made.deallocate()
    }

    func work() {
      pthread_mutex_lock(lock)
      while !isCancelled {
        guard let job else {
          pthread_cond_wait(wanted, lock)
          continue
        }
        self.job = nil
        isBusy = true
        let mine = number
        run(job.count, job.ahead, job.make, mine)
        isBusy = false
        if number == mine { isDone = true }
        pthread_cond_signal(made)
      }
      pthread_mutex_unlock(lock)
    }

    /// Begins and ends with the lock held.
    private func run(_ count: Int, _ ahead: Int, _ make: Make, _ mine: Int) {
      var limit = max(1, ahead)
      for i in 0..<count {
        while ready.count >= limit, !isCancelled, number == mine { pthread_cond_wait(wanted, lock) }
        guard !isCancelled, number == mine else { return }
        pthread_mutex_unlock(lock)
        let outcome = Result { try make(i) }
        pthread_mutex_lock(lock)
        guard number == mine else { return }
        switch outcome {
        case .success(nil): return
        case .success(let batch?):
          if i == 0 { limit = Prefetcher.limit(ahead, of: batch) }
          ready.append(batch)
        case .failure(let error): failure = error
        }
        if ready.count <= 1 || failure != nil { pthread_cond_signal(made) }
        if failure != nil { return }
      }
    }
  }

  private let state = State()
  private var thread = pthread_t()
  private let isRunning: Bool
  /// Batches that were handed over, the next one last.
  private var taken: [Batch] = []
  /// How long batches were waited for, in seconds.
  package private(set) var secondsWaited = 0.0

  /// Batches that are made ahead: as many as asked for, more where they are small.
  static func limit(_ ahead: Int, of batch: Batch) -> Int {
    limit(ahead, bytes: batch.tensors.reduce(0) { $0 + $1.byteCount })
  }
  static func limit(_ ahead: Int, bytes: Int) -> Int {
    max(1, ahead, min(16, (1 << 18) / max(1, bytes)))
  }

  package init() {
    let box = Unmanaged.passRetained(state)
    var thread = pthread_t()
    let status = pthread_create(
      &thread, nil,
      { raw in
        guard let raw else { return nil }
        Unmanaged<State>.fromOpaque(raw).takeRetainedValue().work()
        return nil
      }, box.toOpaque())
    isRunning = status == 0
    self.thread = thread
    if status != 0 {
      box.release()
      state.failure = EngineError(
        .unavailable, "no thread to read ahead on: \(String(cString: strerror(status)))",
        hint: "set prefetch to 0")
    }
  }

  deinit {
    pthread_mutex_lock(state.lock)
    state.isCancelled = true
    pthread_cond_signal(state.wanted)
    pthread_mutex_unlock(state.lock)
    if isRunning { pthread_join(thread, nil) }
  }

  /// Begins anew; what was made before is dropped.
  ///
  /// - `make`: item `i` of `count`, nil where there is none any more; called on the other thread, in
  ///   order.
  package func begin(
    _ count: Int, ahead: Int, _ make: @escaping @Sendable (Int) throws -> Batch?
  ) {
    stop()
    guard isRunning else { return }
    pthread_mutex_lock(state.lock)
    state.job = (count, ahead, make)
    state.isDone = false
    state.failure = nil
    pthread_cond_signal(state.wanted)
    pthread_mutex_unlock(state.lock)
  }

  /// Drops what was made, and returns when nothing is being made any more.
  package func stop() {
    taken = []
    pthread_mutex_lock(state.lock)
    state.number += 1
    state.job = nil
    state.ready = []
    pthread_cond_signal(state.wanted)
    while state.isBusy { pthread_cond_wait(state.made, state.lock) }
    pthread_mutex_unlock(state.lock)
  }

  /// The next item; nil when there are no more.
  package func next() throws -> Batch? {
    if let batch = taken.popLast() { return batch }
    pthread_mutex_lock(state.lock)
    defer { pthread_mutex_unlock(state.lock) }
    if state.ready.isEmpty, !state.isDone, state.failure == nil {
      let start = monotonicSeconds()
      while state.ready.isEmpty, !state.isDone, state.failure == nil {
        pthread_cond_wait(state.made, state.lock)
      }
      secondsWaited += monotonicSeconds() - start
    }
    if state.ready.isEmpty {
      if let failure = state.failure { throw failure }
      return nil
    }
    swap(&taken, &state.ready)
    taken.reverse()
    pthread_cond_signal(state.wanted)
    return taken.popLast()
  }
}

/// Seconds of a clock that never goes back.
package func monotonicSeconds(coarse: Bool = false) -> Double {
  var t = timespec()
  clock_gettime(coarse ? CLOCK_MONOTONIC_COARSE : CLOCK_MONOTONIC, &t)
  return Double(t.tv_sec) + Double(t.tv_nsec) * 1e-9
}

/// Whether there is more than one processor to work on.
package func hasSeveralProcessors() -> Bool { sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1 }
