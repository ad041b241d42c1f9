import CDLRunHeader
import Glibc
import Tensors

/// The message of each thread's last failure.
enum Failure {
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key) { free($0) }
    return key
  }()
  /// A message that is never freed.
  nonisolated(unsafe) static let none: UnsafePointer<CChar> = {
    let text = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
    text.initialize(to: 0)
    return UnsafePointer(text)
  }()

  static func set(_ message: String) {
    free(pthread_getspecific(key))
    pthread_setspecific(key, strdup(message))
  }

  static var message: UnsafePointer<CChar> {
    guard let text = pthread_getspecific(key) else { return none }
    return UnsafePointer(text.assumingMemoryBound(to: CChar.self))
  }
}

/// Runs the body of a call; what it throws becomes the thread's message and the status.
func attempt(_ body: () throws(EngineError) -> Void) -> dlrun_status {
  do throws(EngineError) {
    try body()
    return DLRUN_OK
  } catch {
    Failure.set(error.description)
    return error.code.status
  }
}

extension EngineError.Code {
  var status: dlrun_status {
    switch self {
    case .usage, .arity: DLRUN_USAGE
    case .shape: DLRUN_SHAPE
    case .dtype: DLRUN_DTYPE
    case .value, .notDifferentiable: DLRUN_VALUE
    case .inputMissing: DLRUN_INPUT_MISSING
    case .malformed: DLRUN_MALFORMED
    case .invalidModel, .attribute: DLRUN_INVALID_MODEL
    case .unsupported: DLRUN_UNSUPPORTED
    case .budget: DLRUN_BUDGET
    case .deadline: DLRUN_DEADLINE
    case .cancelled: DLRUN_CANCELLED
    case .cannotCreate, .io: DLRUN_IO
    case .unavailable: DLRUN_LIBRARY_MISSING
    case .internalDefect: DLRUN_INTERNAL
    }
  }
}

/// A pointer that must not be NULL.
func required<T>(_ pointer: T?, _ name: String) throws(EngineError) -> T {
  guard let pointer else { throw EngineError(.usage, "\(name) is NULL") }
  return pointer
}

@c @implementation
public func dlrun_error_message() -> UnsafePointer<CChar>? { Failure.message }

private nonisolated(unsafe) let versionText: UnsafePointer<CChar> = permanent(
  "\(DLRUN_VERSION_MAJOR).\(DLRUN_VERSION_MINOR).\(DLRUN_VERSION_PATCH)")

@c @implementation
public func dlrun_version() -> UnsafePointer<CChar>? { versionText }

/// Text that is never freed.
func permanent(_ text: String) -> UnsafePointer<CChar> {
  strdup(text).map { UnsafePointer($0) } ?? Failure.none
}

private nonisolated(unsafe) let statusNames: [UnsafePointer<CChar>] = [
  "ok", "usage", "shape", "dtype", "value", "input missing", "malformed", "invalid model",
  "unsupported", "budget", "deadline", "cancelled", "io", "library missing", "internal", "?",
].map { permanent($0) }

@c @implementation
public func dlrun_status_name(_ status: dlrun_status) -> UnsafePointer<CChar>? {
  let i = Int(status.rawValue)
  return i < statusNames.count - 1 ? statusNames[i] : statusNames[statusNames.count - 1]
}
