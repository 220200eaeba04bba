// SPDX-License-Identifier: GPL-3.0-or-later

package import GSLKit
import PageTables

/// One captured row as an observation of an operation's instructions.
struct InstructionSample {
  let operation: InstructionOperation
  let layout: String
  let counts: EventCounts
  let context: InstructionContext
  let instructions: Double

  /// The distance that is allowed: 20 instructions or 0.1 %.
  var allowed: Double { max(20, instructions / 1_000) }

  /// Nil for phases that mix operations or do none.
  init?(_ row: CountsRow, modelled: EventCounts) {
    guard let (operation, context) = Self.kind(row, modelled) else { return nil }
    self.operation = operation
    self.context = context
    layout = "\(row.backingName) \(row.memory)"
    counts = modelled
    instructions = Double(row.instructions)
  }

  private static func kind(
    _ row: CountsRow,
    _ counts: EventCounts
  ) -> (InstructionOperation, InstructionContext)? {
    var context = InstructionContext()
    guard counts.mapCalls + counts.relaxCalls + counts.splitCalls == 0 else { return nil }
    if counts.unmapCalls > 0 {
      context.slotRemovals = row.phase.contains("memslot_delete") ? 1 : 0
      return (.unmap, context)
    }
    if counts.destroyCalls + counts.destroyRangeCalls > 0 { return (.destroy, context) }
    guard counts.wrprotectCalls > 0 else { return nil }
    if row.phase.contains("log_enable") {
      context.enables = 1
    } else {
      context.harvests = 1
      context.clearedWords = row.phase.hasPrefix("C.") ? counts.wrprotectCalls : 0
    }
    return (.writeProtect, context)
  }
}

extension InstructionModel {
  /// Fits one model for each kernel and CPU of a file, in the order of their names.
  ///
  /// Rows that the model's counts do not equal would mislead the fit and are refused by
  /// `validate` before; rows of mixed phases are left out.
  package static func fit(_ file: KernelCounts) throws(GSLError) -> [Self] {
    var groups: [String: (row: CountsRow, samples: [InstructionSample])] = [:]
    var replays = ReplayCache(file)
    for row in file.rows {
      guard case .success(let replayed) = replays.counts(row),
        let sample = InstructionSample(row, modelled: replayed.counts)
      else { continue }
      groups["\(row.kernel) \(row.cpu)", default: (row, [])].samples.append(sample)
    }
    var models: [Self] = []
    for (_, group) in groups.sorted(by: { $0.key < $1.key }) {
      let name = file.file.split(separator: "/").last.map(String.init) ?? file.file
      models.append(try fit(group.row, group.samples, source: name))
    }
    return models
  }

  private static func fit(
    _ row: CountsRow,
    _ samples: [InstructionSample],
    source: String
  ) throws(GSLError) -> Self {
    var operations: [Operation] = []
    for operation in InstructionOperation.allCases {
      let own = samples.filter { $0.operation == operation }
      guard !own.isEmpty else { continue }
      operations.append(try fit(operation, own, row.features))
    }
    return Self(
      schema: schema,
      kernel: row.kernel,
      cpu: row.cpu,
      features: names(row.features),
      source: source,
      operations: operations
    )
  }

  private static func names(_ features: CPUFeatures) -> [String] {
    var names: [String] = []
    if features.forcedWriteBack { names.append("fwb") }
    if features.rangeTLBI { names.append("tlbirange") }
    if features.virtualizationHostExtensions { names.append("vhe") }
    if features.repeatTLBISync { names.append("repeat-tlbi-sync") }
    return names
  }

  private static func fit(
    _ operation: InstructionOperation,
    _ samples: [InstructionSample],
    _ features: CPUFeatures
  ) throws(GSLError) -> Operation {
    let terms = InstructionTerm.terms(of: operation, features)
    let whole = try InstructionSolver(samples, terms).solve()
    var leftOut = Accuracy(instructions: 0, ofAllowed: 0)
    for layout in Set(samples.map(\.layout)).sorted() {
      let others = samples.filter { $0.layout != layout }
      guard !others.isEmpty else { continue }
      let prices = try InstructionSolver(others, terms).solve()
      leftOut = leftOut.worse(
        accuracy(prices, samples.filter { $0.layout == layout })
      )
    }
    return Operation(
      operation: operation,
      prices: whole,
      rows: samples.count,
      fitted: accuracy(whole, samples),
      leftOut: leftOut
    )
  }

  private static func accuracy(_ prices: [Price], _ samples: [InstructionSample]) -> Accuracy {
    samples.reduce(Accuracy(instructions: 0, ofAllowed: 0)) { worst, sample in
      let distance = abs(sample.predicted(prices) - sample.instructions)
      return worst.worse(
        Accuracy(
          instructions: withoutNoise(distance),
          ofAllowed: withoutNoise(distance / sample.allowed)
        )
      )
    }
  }
}

extension InstructionModel.Accuracy {
  /// The larger of both distances.
  fileprivate func worse(_ other: Self) -> Self {
    Self(
      instructions: max(instructions, other.instructions),
      ofAllowed: max(ofAllowed, other.ofAllowed)
    )
  }
}

extension InstructionSample {
  fileprivate func predicted(_ prices: [InstructionModel.Price]) -> Double {
    prices.reduce(0) {
      $0 + $1.instructions * Double($1.term.count(operation, counts, context))
    }
  }
}

/// At most six decimal places, so that a file holds no noise of the solver.
private func withoutNoise(_ value: Double) -> Double { (value * 1e6).rounded() / 1e6 }

/// Finds the prices of one operation: least squares in units of the allowed distance, then whole
/// numbers one term after the other as long as the rows stay explained.
///
/// A price is a number of instructions, so it is whole unless branches inside the event differ.
/// Rounding is what tells apart terms that always came together: of the many solutions it keeps
/// one with whole numbers.
private struct InstructionSolver {
  let samples: [InstructionSample]
  let terms: [InstructionTerm]
  /// Largest residual that rounding may lead to, as a share of the allowed distance.
  private static let tolerance = 0.1
  /// Small against every singular value that the captures determine, so that it pulls towards the
  /// plausible prices only in directions that they leave open.
  private static let penalty = 1e-6

  init(_ samples: [InstructionSample], _ terms: [InstructionTerm]) {
    self.samples = samples
    self.terms = terms.filter { term in
      samples.contains { term.count($0.operation, $0.counts, $0.context) != 0 }
    }
  }

  func solve() throws(GSLError) -> [InstructionModel.Price] {
    var fixed: [InstructionTerm: Double] = [:]
    var best = try fit(fixed)
    for term in terms {
      guard let value = best[term] else { continue }
      var attempt = fixed
      attempt[term] = value.rounded()
      let rounded = try fit(attempt)
      guard residual(rounded) <= max(Self.tolerance, residual(best)) else { continue }
      fixed = attempt
      best = rounded
    }
    return terms.map { InstructionModel.Price(term: $0, instructions: withoutNoise(best[$0] ?? 0)) }
  }

  private func residual(_ prices: [InstructionTerm: Double]) -> Double {
    let list = terms.map { InstructionModel.Price(term: $0, instructions: prices[$0] ?? 0) }
    return samples.map { abs($0.predicted(list) - $0.instructions) / $0.allowed }.max() ?? 0
  }

  /// The free terms' prices, given the fixed ones.
  private func fit(
    _ fixed: [InstructionTerm: Double]
  ) throws(GSLError) -> [InstructionTerm: Double] {
    let free = terms.filter { fixed[$0] == nil }
    guard !free.isEmpty else { return fixed }
    var rows: [[Double]] = []
    var response: [Double] = []
    for sample in samples {
      let known = fixed.reduce(0.0) { sum, entry in
        sum + entry.value * count(entry.key, sample)
      }
      rows.append(free.map { count($0, sample) / sample.allowed })
      response.append((sample.instructions - known) / sample.allowed)
    }
    // As many observations as terms, so that a small file is no error.
    while rows.count < free.count {
      rows.append(free.map { _ in 0 })
      response.append(0)
    }
    let guesses = free.map(\.plausible)
    let known = rows.map { row in zip(row, guesses).reduce(0) { $0 + $1.0 * $1.1 } }
    let solution = try LeastSquares.ridge(
      Design(columnNames: free.map(\.rawValue), rows: rows),
      response: zip(response, known).map { $0 - $1 },
      penalty: Self.penalty
    )
    var prices = fixed
    for (column, term) in free.enumerated() {
      prices[term] = guesses[column] + solution.parameters[column]
    }
    return prices
  }

  private func count(_ term: InstructionTerm, _ sample: InstructionSample) -> Double {
    Double(term.count(sample.operation, sample.counts, sample.context))
  }
}
