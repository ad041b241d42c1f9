import CKernels

/// The C kernels of recurrent layers of one instruction set.
struct RecurrentSteps: Sendable {
  typealias Step =
    @convention(c) (
      UnsafePointer<dl_recur_cell>?, UnsafePointer<Float>?, Int, Int, Int,
      UnsafePointer<dl_recur_row>?, Int32, UnsafeMutablePointer<dl_recur_product>?
    ) -> Void
  typealias Product = @convention(c) (UnsafeMutablePointer<dl_recur_product>?) -> Void

  let product: Product
  /// The first and, where a cell takes two lists of panels, the second half of a step.
  let first: Step
  let second: Step?
  /// Whether a step can move a product on.
  let movesProduct: Bool

  init(_ cell: RecurrentKernel.Cell, _ isa: InstructionSet) {
    #if arch(x86_64)
      if isa >= .avx512 {
        product = dl_recur_product_f32__avx512
        movesProduct = true
        switch cell {
        case .rnn: (first, second) = (dl_recur_rnn_f32__avx512, nil)
        case .gru(linearBeforeReset: true):
          (first, second) = (dl_recur_gru_linear_f32__avx512, nil)
        case .gru(linearBeforeReset: false):
          (first, second) = (dl_recur_gru_gates_f32__avx512, dl_recur_gru_state_f32__avx512)
        case .lstm: (first, second) = (dl_recur_lstm_f32__avx512, nil)
        }
        return
      }
      if isa >= .avx2 {
        product = dl_recur_product_f32__avx2
        movesProduct = false
        switch cell {
        case .rnn: (first, second) = (dl_recur_rnn_f32__avx2, nil)
        case .gru(linearBeforeReset: true):
          (first, second) = (dl_recur_gru_linear_f32__avx2, nil)
        case .gru(linearBeforeReset: false):
          (first, second) = (dl_recur_gru_gates_f32__avx2, dl_recur_gru_state_f32__avx2)
        case .lstm: (first, second) = (dl_recur_lstm_f32__avx2, nil)
        }
        return
      }
    #endif
    product = dl_recur_product_f32__scalar
    movesProduct = false
    switch cell {
    case .rnn: (first, second) = (dl_recur_rnn_f32__scalar, nil)
    case .gru(linearBeforeReset: true):
      (first, second) = (dl_recur_gru_linear_f32__scalar, nil)
    case .gru(linearBeforeReset: false):
      (first, second) = (dl_recur_gru_gates_f32__scalar, dl_recur_gru_state_f32__scalar)
    case .lstm: (first, second) = (dl_recur_lstm_f32__scalar, nil)
    }
  }
}

extension dl_recur_cell {
  /// A cell's functions; those it does not have are left at sigmoid.
  init(_ hidden: Int, _ functions: some Collection<CellActivation>, clip: Float?, couples: Bool) {
    self.init()
    self.hidden = hidden
    self.clip = clip ?? .infinity
    self.couples = couples ? 1 : 0
    for (i, function) in functions.enumerated() {
      let (of, a, b) = function.code
      let code = Int32(of.rawValue)
      switch i {
      case 0: (kind.0, alpha.0, beta.0) = (code, a, b)
      case 1: (kind.1, alpha.1, beta.1) = (code, a, b)
      default: (kind.2, alpha.2, beta.2) = (code, a, b)
      }
    }
    // A function that a cell lacks is as by default, so that the standard cell is known as such.
    if functions.count == 2 { kind.2 = Int32(DL_RECUR_TANH.rawValue) }
  }
}

extension CellActivation {
  /// The C kernels' number of it, and its parameters.
  fileprivate var code: (dl_recur_activation, Float, Float) {
    switch self {
    case .sigmoid: (DL_RECUR_SIGMOID, 0, 0)
    case .tanh: (DL_RECUR_TANH, 0, 0)
    case .relu: (DL_RECUR_RELU, 0, 0)
    case .softsign: (DL_RECUR_SOFTSIGN, 0, 0)
    case .softplus: (DL_RECUR_SOFTPLUS, 0, 0)
    case .affine(let a, let b): (DL_RECUR_AFFINE, a, b)
    case .leakyRelu(let a): (DL_RECUR_LEAKY_RELU, a, 0)
    case .thresholdedRelu(let a): (DL_RECUR_THRESHOLDED_RELU, a, 0)
    case .scaledTanh(let a, let b): (DL_RECUR_SCALED_TANH, a, b)
    case .hardSigmoid(let a, let b): (DL_RECUR_HARD_SIGMOID, a, b)
    case .elu(let a): (DL_RECUR_ELU, a, 0)
    }
  }
}
