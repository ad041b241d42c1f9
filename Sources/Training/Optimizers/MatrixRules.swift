import Glibc
import Kernels
import Tensors

extension KerasRules {
  /// Adam's step scaled by `|w| / |step|`, tensor by tensor. You et al. 2019.
  public func lamb(
    learningRate: Double = 0.001, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-7, weightDecay: Double = 0
  ) -> OptimizerRule {
    OptimizerRule(
      "keras.lamb", learningRate: learningRate, weightDecay: weightDecay, decoupled: true,
      settings: [("beta1", beta1), ("beta2", beta2), ("epsilon", epsilon)],
      .tensors(states: { w in [try w.zerosLike(), try w.zerosLike()] }) { w, g, states, step in
        let t = Double(step.number)
        states[0] = try states[0] + (g - states[0]) * (1 - beta1)
        states[1] = try states[1] + (g * g - states[1]) * (1 - beta2)
        let first = try states[0] / (1 - pow(beta1, t))
        let second = try (states[1] / (1 - pow(beta2, t))).squareRoot() + epsilon
        let update = try first / second
        let (length, move) = (try w.norm().scalar(), try update.norm().scalar())
        let ratio = length > 0 && move > 0 ? length / move : 1
        return try w - update * (ratio * step.learningRate)
      })
  }

  /// Second moments by rows and columns only. Shazeer and Stern 2018.
  public func adafactor(
    learningRate: Double = 0.001, beta2Decay: Double = -0.8, epsilon1: Double = 1e-30,
    epsilon2: Double = 1e-3, clipThreshold: Double = 1, relativeStep: Bool = true,
    weightDecay: Double = 0
  ) -> OptimizerRule {
    OptimizerRule(
      "keras.adafactor", learningRate: learningRate, weightDecay: weightDecay, decoupled: true,
      settings: [
        ("beta2Decay", beta2Decay), ("epsilon1", epsilon1), ("epsilon2", epsilon2),
        ("clipThreshold", clipThreshold), ("relativeStep", relativeStep ? 1 : 0),
      ],
      .tensors(states: factoredStates) { w, g, states, step in
        let t = Double(step.number)
        let rate =
          relativeStep ? min(step.learningRate, 1 / t.squareRoot()) : step.learningRate
        let rho = min(rate, 1 / t.squareRoot())
        let alpha = max(epsilon2, try rootMeanSquare(w)) * rho
        let square = try g * g + epsilon1
        let beta = 1 - pow(t, beta2Decay)
        let v: Tensor
        if w.shape.rank >= 2 {
          states[0] =
            try states[0] * beta + square.mean(axes: [-1], keepDims: true) * (1 - beta)
          states[1] =
            try states[1] * beta + square.mean(axes: [-2], keepDims: true) * (1 - beta)
          v = try states[0] / states[0].mean(axes: [-2], keepDims: true) * states[1]
        } else {
          states[0] = try states[0] * beta + square * (1 - beta)
          v = states[0]
        }
        let update = try g / v.squareRoot()
        let limit = max(1, try rootMeanSquare(update) / clipThreshold)
        return try w - update * (alpha / limit)
      })
  }

  /// Momentum made orthogonal by Newton and Schulz's iteration, for matrices; AdamW with a tenth
  /// of the rate for the rest. Jordan et al. 2024.
  ///
  /// - `rmsRate`: the step is scaled by `sqrt(max(rows, columns))` times this; nil: not at all.
  public func muon(
    learningRate: Double = 0.001, momentum: Double = 0.95, nesterov: Bool = true, steps: Int = 5,
    rmsRate: Double? = 0.2, adamRateRatio: Double = 1, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-7, weightDecay: Double = 0.004
  ) -> OptimizerRule {
    OptimizerRule(
      "keras.muon", learningRate: learningRate, weightDecay: weightDecay, decoupled: true,
      settings: [
        ("momentum", momentum), ("nesterov", nesterov ? 1 : 0), ("steps", Double(steps)),
        ("rmsRate", rmsRate ?? 0),
      ],
      .tensors(states: { w in [try w.zerosLike(), try w.zerosLike()] }) { w, g, states, step in
        guard w.shape.rank == 2 else {
          let t = Double(step.number)
          let alpha =
            step.learningRate * adamRateRatio * (1 - pow(beta2, t)).squareRoot()
            / (1 - pow(beta1, t))
          states[0] = try states[0] + (g - states[0]) * (1 - beta1)
          states[1] = try states[1] + (g * g - states[1]) * (1 - beta2)
          return try w - states[0] * alpha / (states[1].squareRoot() + epsilon)
        }
        states[0] = try states[0] * momentum + g
        let direction = try nesterov ? g + states[0] * momentum : states[0]
        let update = try orthogonalized(direction, steps: steps)
        let most = Double(max(w.shape[0], w.shape[1]))
        let scale = rmsRate.map { most.squareRoot() * $0 } ?? 1
        return try w - update * (step.learningRate * scale)
      })
  }
}

extension TorchRules {
  /// As `KerasRules.adafactor`, with PyTorch's treatment of small numbers.
  public func adafactor(
    learningRate: Double = 0.01, beta2Decay: Double = -0.8, epsilon1: Double? = nil,
    epsilon2: Double = 1e-3, clipThreshold: Double = 1, weightDecay: Double = 0
  ) -> OptimizerRule {
    OptimizerRule(
      "torch.adafactor", learningRate: learningRate, weightDecay: weightDecay, decoupled: true,
      settings: [
        ("beta2Decay", beta2Decay), ("epsilon2", epsilon2), ("clipThreshold", clipThreshold),
      ],
      .tensors(states: factoredStates) { w, g, states, step in
        let t = Double(step.number)
        let small = epsilon1 ?? (w.dtype == .float64 ? Double.ulpOfOne : Double(Float.ulpOfOne))
        let share = pow(t, beta2Decay)
        let rho = min(step.learningRate, 1 / t.squareRoot())
        // The length of the parameter before weight decay counts; decay came first here.
        let kept = 1 - step.learningRate * weightDecay
        let alpha = max(epsilon2, try rootMeanSquare(w) / kept) * rho
        let square = try g * g
        var v: Tensor
        if w.shape.rank >= 2 {
          let rows = try square.mean(axes: [-1], keepDims: true)
          let columns = try square.mean(axes: [-2], keepDims: true)
          states[0] = try states[0].lerp(rows, share)
          states[1] = try states[1].lerp(columns, share)
          let mean = try states[0].mean(axes: [-2], keepDims: true).maximum(small)
          v = try states[0] * states[1] / mean
        } else {
          states[0] = try states[0].lerp(square, share)
          v = states[0]
        }
        v = try v.maximum(small * small)
        let update = try g / v.squareRoot()
        let limit = max(1, try rootMeanSquare(update) / clipThreshold)
        return try w - update * (alpha / limit)
      })
  }

  /// Momentum made orthogonal, for matrices only. PyTorch iterates in bfloat16, this in the
  /// parameter's own element type.
  public func muon(
    learningRate: Double = 0.001, momentum: Double = 0.95, nesterov: Bool = true, steps: Int = 5,
    weightDecay: Double = 0.1
  ) -> OptimizerRule {
    OptimizerRule(
      "torch.muon", learningRate: learningRate, weightDecay: weightDecay, decoupled: true,
      settings: [
        ("momentum", momentum), ("nesterov", nesterov ? 1 : 0), ("steps", Double(steps)),
      ],
      .tensors(states: { w in [try w.zerosLike()] }) { w, g, states, step in
        guard w.shape.rank == 2 else {
          throw EngineError(
            .shape, "Muon updates matrices only", expected: "rank 2", received: "\(w.type)",
            hint: "give other parameters to an optimiser of their own")
        }
        states[0] = try states[0].lerp(g, 1 - momentum)
        let direction = try nesterov ? g.lerp(states[0], momentum) : states[0]
        let update = try orthogonalized(direction, steps: steps)
        let scale = max(1, Double(w.shape[0]) / Double(w.shape[1])).squareRoot()
        return try w - update * (step.learningRate * scale)
      })
  }
}

/// Rows' and columns' second moments of a matrix; one moment an element for vectors.
@Sendable private func factoredStates(_ w: Tensor) throws -> [Tensor] {
  guard w.shape.rank >= 2 else { return [try w.zerosLike()] }
  var (rows, columns) = (w.shape.array, w.shape.array)
  rows[rows.count - 1] = 1
  columns[columns.count - 2] = 1
  return [try .zeros(rows, dtype: w.dtype), try .zeros(columns, dtype: w.dtype)]
}

private func rootMeanSquare(_ t: Tensor) throws -> Double {
  (try t.sumOfSquares().scalar() / Double(max(t.count, 1))).squareRoot()
}

/// An approximation of `U V^T` for `U S V^T = x`: the quintic iteration of Jordan et al. 2024.
private func orthogonalized(_ matrix: Tensor, steps: Int) throws -> Tensor {
  let isTall = matrix.shape[0] > matrix.shape[1]
  var x = isTall ? try matrix.transpose() : matrix
  x = try x / (x.norm() + 1e-7)
  for _ in 0..<steps {
    let a = try x.matmul(x.transpose())
    let b = try a * -4.7750 + a.matmul(a) * 2.0315
    x = try x * 3.4445 + b.matmul(x)
  }
  return isTall ? try x.transpose() : x
}
