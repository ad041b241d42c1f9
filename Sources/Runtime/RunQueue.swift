import Glibc
import Kernels
import Synchronization
import Tensors

/// Threads on which `async` runs take place, so that a run never blocks a thread that Swift's tasks
/// share.
///
/// At most `threads` runs take place at once; others wait their turn, first come, first served. The
/// caller's task is suspended meanwhile and costs no thread. Threads start when they are first
/// needed, sleep while there is nothing to do, and end with the queue. Sessions share `shared`
/// unless their options name another: a queue of its own keeps one model's long runs from delaying
/// another's. What a run through a queue costs beside a blocking one is mostly the system's, for
/// waking a thread and then the task's; models that take microseconds are quicker without.
public final class RunQueue: Sendable {
  /// Runs that may take place at once.
  public let threads: Int
  private let core: QueueCore

  /// For all sessions whose options say nothing else: a thread for each CPU that this process may
  /// use, and two at least.
  public static let shared = RunQueue(count: max(2, ThreadPool.defaultThreadCount))

  /// Errors: `.usage` for less than one thread or more than 4,096.
  public convenience init(threads: Int) throws(EngineError) {
    guard (1...4096).contains(threads) else {
      throw EngineError(
        .usage, "a queue cannot have so many threads", expected: "1 to 4096",
        received: "\(threads)")
    }
    self.init(count: threads)
  }

  private init(count: Int) {
    threads = count
    core = QueueCore(limit: count)
  }

  deinit { core.close() }

  /// Lets a thread begin the entry when it is its turn; false when the system gives no thread.
  func add(_ entry: any QueueEntry) -> Bool { core.add(entry) }
}

/// What waits in a queue.
protocol QueueEntry: AnyObject, Sendable {
  /// Called once, on a thread of the queue.
  func begin()
}

/// What a queue shares with its threads, which may outlive it for a moment.
private final class QueueCore: @unchecked Sendable {
  struct State {
    /// Waiting entries from `first` on; those before it are gone.
    var entries: [(any QueueEntry)?] = []
    var first = 0
    var started = 0
    var idle = 0
    var isClosed = false

    mutating func next() -> (any QueueEntry)? {
      guard first < entries.count else { return nil }
      let entry = entries[first]
      entries[first] = nil
      first += 1
      // Half of a long list may be gone before it is moved: constant cost for each entry.
      if first == entries.count || (first > 64 && first * 2 > entries.count) {
        entries.removeFirst(first)
        first = 0
      }
      return entry
    }
  }

  private let limit: Int
  private let state = Mutex(State())
  /// Counts what a thread may wake for: an entry, or the end.
  private let signal: UnsafeMutablePointer<sem_t>

  init(limit: Int) {
    self.limit = limit
    signal = .allocate(capacity: 1)
    sem_init(signal, 0, 0)
  }

  deinit {
    sem_destroy(signal)
    signal.deallocate()
  }

  func add(_ entry: any QueueEntry) -> Bool {
    let isTaken = state.withLock { s in
      let waiting = s.entries.count - s.first
      if waiting >= s.idle, s.started < limit, startThread() {
        s.started += 1
        s.idle += 1
      }
      guard s.started > 0 else { return false }
      s.entries.append(entry)
      return true
    }
    if isTaken { sem_post(signal) }
    return isTaken
  }

  /// Ends the threads once nothing waits.
  func close() {
    let count = state.withLock { s in
      s.isClosed = true
      return s.started
    }
    for _ in 0..<count { sem_post(signal) }
  }

  private func startThread() -> Bool {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    // As the main thread has: graphs within graphs are run by recursion.
    pthread_attr_setstacksize(&attributes, 8 << 20)
    var thread = pthread_t()
    let core = Unmanaged.passRetained(self)
    let status = pthread_create(
      &thread, &attributes,
      { argument in
        if let argument {
          Unmanaged<QueueCore>.fromOpaque(argument).takeRetainedValue().work()
        }
        return nil
      }, core.toOpaque())
    if status != 0 { core.release() }
    return status == 0
  }

  /// A thread's life.
  private func work() {
    // The host's signal handlers belong to the host's threads.
    var signals = sigset_t()
    sigfillset(&signals)
    pthread_sigmask(SIG_SETMASK, &signals, nil)
    while true {
      while sem_wait(signal) != 0 {}
      let (entry, ends) = state.withLock { s in
        let entry = s.next()
        if entry != nil { s.idle -= 1 }
        return (entry, entry == nil && s.isClosed)
      }
      if ends { return }
      guard let entry else { continue }
      entry.begin()
      state.withLock { $0.idle += 1 }
    }
  }
}
