// SPDX-License-Identifier: GPL-3.0-or-later

/// How the runs of one answer are shared out, in the order in which they are spent.
///
/// The race takes what these leave. What a stage does not need goes to those after it.
struct RunShares {
  /// Runs of the whole answer, at least `Question.leastBudget`.
  let budget: Int

  /// Runs of the search of one class of knobs; there are two.
  var search: Int { max(1, (budget - Recommender.rowRuns) * 7 / 32) }

  /// Policies of one class that are run whole after its search.
  var heats: Int { max(2, min(6, (budget - Recommender.rowRuns - 2 * search) / 8)) }

  /// Finalists of one class, at least one that keeps the limits and one that nearly does.
  var finalists: Int { max(2, min(3, heats / 2)) }

  /// Runs that turn the winner's knobs back, kept from rounds of the race that are not compulsory.
  var simplification: Int { (budget - Question.leastBudget) / 8 }

  /// Runs that explain: the winner in full, other paths, alternatives, and where the answer flips.
  var explanation: Int { min(40, (budget - Question.leastBudget) / 5) }
}
