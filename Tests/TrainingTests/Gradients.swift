import Operators

/// Whether the operators that nearly every network has can be differentiated: what trains by them
/// cannot be tested before.
let hasGradients = ReduceSum.schema.isDifferentiable && MatMul.schema.isDifferentiable
