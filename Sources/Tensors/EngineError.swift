/// The one public error: what failed, where, what was expected and received, and what to do.
///
/// A single reference, so that a typed throw returns it in one register.
public final class EngineError: Error, CustomStringConvertible, Sendable {
  /// What kind of failure it is. The set is closed: every value maps to one exit status.
  public enum Code: String, Sendable, CaseIterable {
    /// The request itself is wrong: an unknown option, a name that does not exist.
    case usage
    /// A file's bytes do not follow its format.
    case malformed
    /// A model breaks a rule of its format: a cycle, a missing input, a duplicate name.
    case invalidModel
    /// An input's rank or sizes do not fit.
    case shape
    /// An element type does not fit or is not supported by the operator.
    case dtype
    /// The number of inputs or outputs does not fit.
    case arity
    /// An attribute is missing, of the wrong type or out of its range.
    case attribute
    /// A value met while running is out of its range: an index, a trip count.
    case value
    /// An operator, a version or a feature that this build does not have.
    case unsupported
    /// An operator without a gradient was differentiated.
    case notDifferentiable
    /// An input file does not exist or cannot be read.
    case inputMissing
    /// A needed library or feature of the system is missing.
    case unavailable
    /// The output cannot be created.
    case cannotCreate
    /// Reading or writing failed part-way.
    case io
    /// A budget of memory, elements or steps is exceeded.
    case budget
    /// A deadline passed.
    case deadline
    /// The run was cancelled by its owner.
    case cancelled
    /// A defect of ours, reported instead of a trap.
    case internalDefect

    /// The command's exit status for this kind of failure.
    public var exitStatus: Int32 {
      switch self {
      case .usage: 64
      case .malformed, .invalidModel, .shape, .dtype, .arity, .attribute, .value,
        .notDifferentiable:
        65
      case .inputMissing: 66
      case .unsupported, .unavailable: 69
      case .internalDefect: 70
      case .cannotCreate: 73
      case .io: 74
      case .budget, .deadline, .cancelled: 75
      }
    }
  }

  /// Where a failure lies. What is not known stays nil.
  public struct Subject: Sendable, Hashable {
    public var file: String?
    /// The node's name, or `#12` for the twelfth node when it has none.
    public var node: String?
    public var operatorName: String?
    /// Byte offset in `file`.
    public var offset: Int?
    /// Line in `file`, from 1.
    public var line: Int?
    public init(
      file: String? = nil, node: String? = nil, operatorName: String? = nil, offset: Int? = nil,
      line: Int? = nil
    ) {
      self.file = file
      self.node = node
      self.operatorName = operatorName
      self.offset = offset
      self.line = line
    }
  }

  public let code: Code
  public let subject: Subject
  /// What is wrong, without the place.
  public let message: String
  public let expected: String?
  public let received: String?
  /// What the reader can do about it.
  public let hint: String?
  public let cause: (any Error)?

  public init(
    _ code: Code, _ message: String, expected: String? = nil, received: String? = nil,
    hint: String? = nil, subject: Subject = Subject(), cause: (any Error)? = nil
  ) {
    self.code = code
    self.message = message
    self.expected = expected
    self.received = received
    self.hint = hint
    self.subject = subject
    self.cause = cause
  }

  /// The same error with the parts of the place that it lacks filled in.
  public func at(
    file: String? = nil, node: String? = nil, operatorName: String? = nil, offset: Int? = nil,
    line: Int? = nil
  ) -> EngineError {
    var s = subject
    s.file = s.file ?? file
    s.node = s.node ?? node
    s.operatorName = s.operatorName ?? operatorName
    s.offset = s.offset ?? offset
    s.line = s.line ?? line
    return EngineError(
      code, message, expected: expected, received: received, hint: hint, subject: s, cause: cause)
  }

  /// One line: `file:line: node 'n' (Op): message, expected E, received R; hint`.
  public var description: String {
    var text = ""
    if let file = subject.file {
      text += file
      if let line = subject.line { text += ":\(line)" }
      if let offset = subject.offset { text += ", byte \(offset)" }
      text += ": "
    } else if let line = subject.line {
      text += "line \(line): "
    } else if let offset = subject.offset {
      text += "byte \(offset): "
    }
    switch (subject.node, subject.operatorName) {
    case (let node?, let op?): text += "node '\(node)' (\(op)): "
    case (let node?, nil): text += "node '\(node)': "
    case (nil, let op?): text += "\(op): "
    case (nil, nil): break
    }
    text += message
    if let expected { text += ", expected \(expected)" }
    if let received { text += ", received \(received)" }
    if let hint { text += "; \(hint)" }
    return text
  }
}
