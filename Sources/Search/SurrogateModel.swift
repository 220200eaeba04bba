// SPDX-License-Identifier: GPL-3.0-or-later

/// What a surrogate expects of one response at one point, on the response's cost scale.
struct Belief: Sendable {
  var mean: Double
  /// The standard error of the mean, noise of an evaluation left out.
  var error: Double
}

/// One response over the grid: a prior mean plus a Gaussian process on what it leaves.
///
/// Between refits everything is incremental: an observation adds one row to the factor and one
/// whitened row over the screened points, so it costs time linear in both.
struct SurrogateModel: Sendable {
  private let prior: [Double]
  private var process: GridProcess
  private var factor = Triangle()
  private var members: [Int] = []
  private var whitened: [Double] = []
  private var shift = 0.0
  private var scale = 1.0
  private var ceiling = Double.infinity
  /// The screened points, and their whitened rows, means and variances, eight to a vector.
  private var screen: [Int] = []
  private var view = GridView(columns: [], count: 0)
  private var rows: [[SIMD8<Float>]] = []
  private var means: [SIMD8<Float>] = []
  private var variances: [SIMD8<Float>] = []

  /// Creates the model of a response; `prior` is empty or holds a mean for every point.
  init(grid: Grid, prior: [Double]) {
    self.prior = prior
    process = GridProcess(grid: grid)
  }

  /// Fits length scales, noise and standardisation to the observed costs.
  mutating func refit(points: [Int], costs: [Double]) {
    let finite = zip(points, costs).filter { $0.1.isFinite }.map { $0.1 - priorMean($0.0) }
    let (low, high) = (finite.min() ?? 0, finite.max() ?? 0)
    ceiling = high + max(high - low, 1e-9)
    let residuals = zip(points, costs).map { residual($0, $1) }
    shift = residuals.reduce(0, +) / Double(max(1, residuals.count))
    let square = residuals.reduce(0) { $0 + ($1 - shift) * ($1 - shift) }
    scale = max((square / Double(max(1, residuals.count))).squareRoot(), 1e-9)
    let stride = max(1, (points.count + 95) / 96)
    let sample = Swift.stride(from: 0, to: points.count, by: stride)
    process.fit(
      points: sample.map { points[$0] },
      targets: sample.map { (residuals[$0] - shift) / scale }
    )
    refactor(points: points, costs: costs)
  }

  /// The posterior mean of every point of the grid.
  func meansOfAll(count: Int) -> [Double] {
    let weights = backSolved()
    var sums = [Float](repeating: 0, count: count)
    for (point, weight) in zip(members, weights) {
      let row = process.correlations(of: point, with: process.everything)
      let weight = Float(weight)
      for place in sums.indices { sums[place] += weight * row[place] }
    }
    return sums.indices.map { priorMean($0) + shift + scale * Double(sums[$0]) }
  }

  /// Restricts predictions to these points and computes them.
  mutating func screen(_ points: [Int]) {
    screen = points
    let everything = process.everything
    view =
      points.count == everything.count ? everything : everything.restricted(to: points)
    rows = []
    let blocks = (points.count + 7) / 8
    means = .init(repeating: .zero, count: blocks)
    variances = .init(repeating: .one, count: blocks)
    for row in members.indices { extend(row) }
  }

  /// Takes one observed cost without fitting anything anew.
  mutating func append(point: Int, cost: Double) {
    add(point: point, cost: cost)
    extend(members.count - 1)
  }

  /// What is expected at the places of screened points.
  func beliefs(at places: [Int]) -> [Belief] {
    let signal = signal
    return places.map { place in
      let (block, lane) = (place / 8, place % 8)
      let mean = priorMean(screen[place]) + shift + scale * Double(means[block][lane])
      let variance = max(Double(variances[block][lane]), 1e-7) * signal
      return Belief(mean: mean, error: scale * variance.squareRoot())
    }
  }

  /// The prior correlation of two points: what an evaluation of one says about the other.
  func correlation(_ left: Int, _ right: Int) -> Double { process.correlation(left, right) }

  /// The posterior mean at observed points, in the order they were given.
  func smoothed(_ points: [Int]) -> [Double] {
    let weights = backSolved()
    return points.map { point in
      let sum = zip(members, weights).reduce(0) {
        $0 + process.correlation(point, $1.0) * $1.1
      }
      return priorMean(point) + shift + scale * sum
    }
  }

  /// The variance of the process in standardised units: its maximum-likelihood estimate.
  private var signal: Double {
    let square = whitened.reduce(0) { $0 + $1 * $1 }
    return max(square / Double(max(1, whitened.count)), 1e-6)
  }

  private func priorMean(_ point: Int) -> Double { prior.isEmpty ? 0 : prior[point] }

  private func residual(_ point: Int, _ cost: Double) -> Double {
    min(max(cost - priorMean(point), -1e12), ceiling)
  }

  private mutating func refactor(points: [Int], costs: [Double]) {
    factor = Triangle()
    members = []
    whitened = []
    for (point, cost) in zip(points, costs) { add(point: point, cost: cost) }
  }

  private mutating func add(point: Int, cost: Double) {
    let entries = members.map { process.correlation(point, $0) }
    factor.append(entries, diagonal: 1 + process.settings.noise)
    let row = factor.rows[members.count]
    var rest = (residual(point, cost) - shift) / scale
    for place in whitened.indices { rest -= row[place] * whitened[place] }
    whitened.append(rest / row[members.count])
    members.append(point)
  }

  /// Adds the whitened row of member `row` over the screened points.
  private mutating func extend(_ row: Int) {
    let correlations = process.correlations(of: members[row], with: view)
    let entries = factor.rows[row]
    var fresh = [SIMD8<Float>](repeating: .zero, count: means.count)
    for place in correlations.indices { fresh[place / 8][place % 8] = correlations[place] }
    for (old, entry) in zip(rows, entries) {
      let entry = SIMD8<Float>(repeating: Float(entry))
      for block in fresh.indices { fresh[block] -= entry * old[block] }
    }
    let inverse = Float(1 / entries[row])
    let weight = Float(whitened[row])
    for block in fresh.indices {
      fresh[block] *= inverse
      means[block] += fresh[block] * weight
      variances[block] -= fresh[block] * fresh[block]
    }
    rows.append(fresh)
  }

  /// The weights of the members in the posterior mean.
  private func backSolved() -> [Double] {
    var weights = whitened
    for row in weights.indices.reversed() {
      weights[row] /= factor.rows[row][row]
      let weight = weights[row]
      for column in 0..<row { weights[column] -= factor.rows[row][column] * weight }
    }
    return weights
  }
}
