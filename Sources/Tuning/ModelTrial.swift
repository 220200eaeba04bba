// SPDX-License-Identifier: GPL-3.0-or-later

package import Campaigns
package import CostModels
import Profiles
import Randomness

/// Makes the runs that a model is judged by, and judges it.
///
/// Nothing of the model's own design is used to judge: the held-out runs, the replicates and the
/// runs near fronts have seeds of their own.
package struct ModelTrial: Sendable {
  /// The model.
  package let model: CostModel
  /// The design of the held-out runs: profiles, number and seed.
  package let specification: ModelSpecification
  /// Points of the design that are run several times, to measure the noise.
  package var replicatedPoints = 100
  /// Runs of each such point.
  package var replicates = 4
  /// Runs near Pareto fronts.
  package var frontRuns = 300
  /// Runs of the model's own design that simpler ways are fitted to; zero compares nothing.
  package var rivalRuns = 2_000
  let builder: ModelBuilder

  /// Creates a trial over the builder's specification, whose seed must not be the model's own.
  package init(_ model: CostModel, builder: ModelBuilder) {
    self.model = model
    self.builder = builder
    specification = builder.specification
  }

  /// Makes all runs and judges.
  ///
  /// - Parameters:
  ///   - store: Where runs are kept; a run that is in it is not made again.
  ///   - progress: Called with how many runs are done, and of how many.
  /// - Returns: The evaluation.
  /// - Throws: A sentence about the profile, the run, the store or the fit.
  package func evaluate(
    runsIn store: RunDatabase,
    progress: @escaping @Sendable (Int, Int) -> Void = { _, _ in }
  ) async throws(ModelError) -> ModelEvaluation {
    let points = try builder.points()
    let again = replicated(Array(points.prefix(replicatedPoints)), from: points.count)
    let fronts = try frontPoints(from: points.count + again.count)
    let all = points + again + fronts
    let total = all.count + rivalRuns
    let found = try builder.runs(
      of: all,
      named: "\(specification.name)-held-\(specification.seed)",
      into: store
    ) { done, _ in progress(done, total) }
    let held = Array(found.runs.prefix(points.count))
    let repeats = found.runs[points.count..<points.count + again.count]
    let examination = ModelExamination(
      model: model,
      held: held,
      nearFronts: Array(found.runs.suffix(fronts.count)),
      replicates: (0..<min(replicatedPoints, points.count)).map { point in
        let first = repeats.startIndex + point * (replicates - 1)
        return [held[point]] + repeats[first..<first + replicates - 1]
      }
    )
    let before = all.count
    let rivals = try await rivals(held, store) { done, _ in progress(before + done, total) }
    return ModelEvaluation(
      origin: model.origin,
      seed: specification.seed,
      runs: held.count,
      frontRuns: fronts.count,
      rows: examination.rows(),
      rivalRuns: rivalRuns,
      rivals: rivals
    )
  }

  /// Points with further seeds, `replicates - 1` of each.
  private func replicated(_ points: [DesignPoint], from index: Int) -> [DesignPoint] {
    var found: [DesignPoint] = []
    for point in points {
      for replicate in 1..<max(2, replicates) {
        let seed = Seed(point.seed).replicate(UInt64(replicate)).rawValue
        found.append(point.copy(index: index + found.count, seed: seed))
      }
    }
    return found
  }

  /// Fits simpler ways to the first runs of the model's own design.
  private func rivals(
    _ held: [Observation],
    _ store: RunDatabase,
    progress: @escaping @Sendable (Int, Int) -> Void
  ) async throws(ModelError) -> [RivalScore] {
    guard rivalRuns > 0 else { return [] }
    var own = builder
    own.specification.seed = model.origin.seed
    own.specification.runs = rivalRuns
    own.specification.name += "-rivals"
    let known = try own.makeRuns(into: store, progress: progress).runs
    let cut = known.count * 7 / 10
    let split = SplitRuns(
      fitting: Array(known.prefix(cut)),
      calibrating: Array(known.suffix(from: cut)),
      held: held
    )
    do throws(CostModelError) {
      return try await RivalScore.all(model.responses, on: split, settings: builder.settings)
    } catch {
      throw .fit(error)
    }
  }
}
