import Graphs

/// Operators that fold axes: reductions, softmax, arg max, sorting along an axis.
enum Reduction {
  static let operators: [any Operator.Type] = [
    ArgMax.self,
    ArgMin.self,
    CumProd.self,
    CumSum.self,
    Hardmax.self,
    LogSoftmax.self,
    ReduceL1.self,
    ReduceL2.self,
    ReduceLogSum.self,
    ReduceLogSumExp.self,
    ReduceMax.self,
    ReduceMean.self,
    ReduceMin.self,
    ReduceProd.self,
    ReduceSum.self,
    ReduceSumSquare.self,
    Softmax.self,
    SumToShape.self,
    TopK.self,
  ]
}
