import Tensors

/// All operators of PyTorch that are converted: what `dlrun convert --list pytorch` prints and what
/// the converter looks up.
enum TorchOperators {
  static let families: [[TorchOperator]] = [
    TorchUnary.operators, TorchBinary.operators, TorchDivision.operators, TorchPower.operators,
    TorchComparison.operators, TorchClamp.operators, TorchTernary.operators,
    TorchActivation.operators, TorchReduction.operators, TorchExtremes.operators,
    TorchVariance.operators, TorchNorms.operators, TorchScan.operators, TorchSorting.operators,
    TorchSoftmax.operators, TorchShape.operators, TorchAxes.operators, TorchJoin.operators,
    TorchSplit.operators, TorchSlice.operators, TorchIndex.operators, TorchGather.operators,
    TorchScatter.operators, TorchCreate.operators, TorchConversion.operators,
    TorchPad.operators, TorchRearrange.operators, TorchConvolution.operators,
    TorchMatrix.operators, TorchLinear.operators, TorchNormalization.operators,
    TorchPooling.operators, TorchAdaptivePooling.operators, TorchResize.operators,
    TorchGrid.operators, TorchAttention.operators, TorchRecurrent.operators,
    TorchSymbols.operators, TorchEffects.operators, TorchControl.operators,
  ]

  static let byName: [String: TorchOperator] = {
    var table: [String: TorchOperator] = [:]
    for family in families {
      for op in family { for name in op.names { table[name] = op } }
    }
    return table
  }()
}
