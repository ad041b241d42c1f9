import Graphs

/// A composite with a kernel of its own, which sessions run; the expansion is its oracle, and what
/// it is saved as.
public protocol KernelComposite: CompositeOperator {}
