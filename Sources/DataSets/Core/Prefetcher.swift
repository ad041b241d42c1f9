import Glibc
import Layers
import Tensors

/// Makes items on a thread of its own, a few ahead of who takes them. Ends its thread when it goes.
final class Prefetcher {
  /// What both threads see, under `lock`.
  private final class State: @unchecked Sendable {
    let count: Int
    let limit: Int
    let make: @Sendable (Int) throws -> Batch
    let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    var ready: [Batch] = []
    var failure: (any Error)?
    var isDone = false
    var isCancelled = false

    init(_ count: Int, _ limit: Int, _ make: @escaping @Sendable (Int) throws -> Batch) {
      self.count = count
      self.limit = limit
      self.make = make
      pthread_mutex_init(lock, nil)
      pthread_cond_init(changed, nil)
    }

    deinit {
      pthread_mutex_destroy(lock)
      pthread_cond_destroy(changed)
      lock.deallocate()
      changed.deallocate()
    }

    func work() {
      for i in 0..<count {
        pthread_mutex_lock(lock)
        while ready.count >= limit && !isCancelled { pthread_cond_wait(changed, lock) }
        let stops = isCancelled
        pthread_mutex_unlock(lock)
        if stops { break }
        let outcome = Result { try make(i) }
        pthread_mutex_lock(lock)
        switch outcome {
        case .success(let batch): ready.append(batch)
        case .failure(let error): failure = error
        }
        pthread_cond_broadcast(changed)
        let ends = failure != nil
        pthread_mutex_unlock(lock)
        if ends { break }
      }
      pthread_mutex_lock(lock)
      isDone = true
      pthread_cond_broadcast(changed)
      pthread_mutex_unlock(lock)
    }
  }

  private let state: State
  private var thread = pthread_t()
  private let isRunning: Bool

  /// - `make`: item `i` of `count`; called on the other thread, in order.
  init(_ count: Int, ahead: Int, _ make: @escaping @Sendable (Int) throws -> Batch) {
    state = State(count, max(1, ahead), make)
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
      state.isDone = true
    }
  }

  deinit {
    pthread_mutex_lock(state.lock)
    state.isCancelled = true
    pthread_cond_broadcast(state.changed)
    pthread_mutex_unlock(state.lock)
    if isRunning { pthread_join(thread, nil) }
  }

  /// The next item; nil when there are no more.
  func next() throws -> Batch? {
    pthread_mutex_lock(state.lock)
    defer { pthread_mutex_unlock(state.lock) }
    while state.ready.isEmpty && !state.isDone && state.failure == nil {
      pthread_cond_wait(state.changed, state.lock)
    }
    if !state.ready.isEmpty {
      let batch = state.ready.removeFirst()
      pthread_cond_broadcast(state.changed)
      return batch
    }
    if let failure = state.failure { throw failure }
    return nil
  }
}
