// SPDX-License-Identifier: GPL-3.0-or-later

package import Foundation
package import Observations
import Operations
import PageTables
import Policies
package import Profiles
import Quantities

/// A response of an entry: under the present policy and under the recommended one.
package struct TableEffect: Hashable, Sendable, Codable {
  /// The response; its raw value carries the unit.
  package let response: Response
  /// Its mean under the present policy.
  package let present: Double?
  /// Its mean under the recommended policy.
  package let recommended: Double?
  /// The lower end of the recommended one's interval.
  package let low: Double?
  /// The upper end of the recommended one's interval.
  package let high: Double?
}

/// What a kernel or a VMM can know about a case, by which a table is looked up.
package struct TableKey: Hashable, Sendable, Codable {
  /// The page size.
  package let granule: String
  /// The CPU features that matter, as profiles write them.
  package let features: String
  /// The share of the memory in level-2 blocks, 0 to 1.
  package let blockShare: Double
  /// Guest memory in bytes.
  package let memory: Int64
  /// What is offered to the CPU's network queue, in bits per second.
  package let offered: Int64
  /// What is done to the guest.
  package let operation: StageTwoOperation

  enum CodingKeys: String, CodingKey {
    case granule, features
    case blockShare = "block_share"
    case memory = "memory_bytes"
    case offered = "offered_bits_per_s"
    case operation
  }

  init(_ question: Question) {
    granule = question.host.granule.rawValue
    features = question.host.features.list
    blockShare = question.workload.memory.blockShare
    memory = question.workload.memory.size.rawValue
    offered = question.workload.network.offered.rawValue
    operation = question.workload.operation
  }
}

/// One case of a tuning table, with its baseline beside every value.
package struct TableEntry: Hashable, Sendable, Codable {
  /// The host profile's name.
  package let host: String
  /// The kernel profile's name.
  package let kernel: String
  /// The workload profile's name.
  package let workload: String
  /// By what the case is looked up.
  package let key: TableKey
  /// What came out.
  package let verdict: Verdict
  /// The present policy's text.
  package let present: String
  /// The recommended policy's text; nil where no policy is feasible.
  package let recommended: String?
  /// The best policy with a kernel change.
  package let kernelChange: String?
  /// The limits it keeps.
  package let limits: [String]
  /// The responses.
  package let effects: [TableEffect]
  /// When the entry stops being valid.
  package let holds: [String]
  /// The cost model's identity; nil where only runs decided.
  package let model: String?
  /// Runs behind the entry.
  package let runs: Int
  /// The seed of the runs.
  package let seed: UInt64

  enum CodingKeys: String, CodingKey {
    case host, kernel, workload, key, verdict
    case present = "present_policy"
    case recommended = "recommended_policy"
    case kernelChange = "kernel_change_policy"
    case limits, effects, holds, model, runs, seed
  }

  /// The name of the case, unique in its table.
  package var name: String { "\(host)/\(kernel)/\(workload)" }

  /// Creates the entry of an answer.
  init(_ answer: Recommendation, question: Question) {
    let now = answer.rows.first { $0.role == .now }
    let best = answer.recommended
    host = question.host.name
    kernel = question.kernel.name
    workload = question.workload.name
    key = TableKey(question)
    verdict = answer.verdict
    present = now?.policy ?? question.presentPolicy.description
    recommended = best?.policy
    kernelChange = answer.rows.first { $0.role == .kernel }?.policy
    limits = answer.asked.limits
    effects = (now?.effects ?? []).map { effect in
      let other = best?.effects.first { $0.response == effect.response }?.simulated
      return TableEffect(
        response: effect.response,
        present: effect.simulated?.value,
        recommended: other?.value,
        low: other?.low,
        high: other?.high
      )
    }
    holds = answer.holds.map(\.sentence)
    model = answer.basis.model
    runs = answer.basis.runs
    seed = answer.basis.seed
  }
}

/// Answers for many workloads and hosts, in a form that machines read.
package struct TuningTable: Hashable, Sendable, Codable {
  /// The version of the JSON form.
  package static let schemaVersion = 1

  /// The version of the form this was written in.
  package let schema: Int
  /// What made the table: program, simulator and model.
  package let engine: String
  /// The entries, in the order of host, kernel, workload.
  package let entries: [TableEntry]

  enum CodingKeys: String, CodingKey {
    case schema = "schema_version"
    case engine, entries
  }

  /// Creates a table; entries are put in order.
  package init(engine: String, entries: [TableEntry]) {
    schema = Self.schemaVersion
    self.engine = engine
    self.entries = entries.sorted {
      ($0.host, $0.kernel, $0.workload) < ($1.host, $1.kernel, $1.workload)
    }
  }

  /// Reads a table and refuses one that does not hold together, with the entry and the problem.
  package init(json data: Data, file: String) throws(TuningError) {
    do {
      self = try AnswerStore.decoder.decode(TuningTable.self, from: data)
    } catch {
      throw .noTable(file: file, problem: decodingProblem(error))
    }
    try check(file: file)
  }

  private func check(file: String) throws(TuningError) {
    guard schema == Self.schemaVersion else {
      let problem = "schema version \(schema); this program reads \(Self.schemaVersion)"
      throw .badTable(file: file, entry: "-", problem: problem)
    }
    var names: Set<String> = []
    for entry in entries {
      guard names.insert(entry.name).inserted else {
        throw .badTable(file: file, entry: entry.name, problem: "it stands there twice")
      }
      if let problem = entry.problem {
        throw .badTable(file: file, entry: entry.name, problem: problem)
      }
    }
  }
}

extension TableEntry {
  /// What does not hold together in an entry, or nil.
  var problem: String? {
    if (verdict == .noneFeasible) != (recommended == nil) {
      return "the verdict \(verdict.rawValue) does not go with the recommended policy"
    }
    for text in [present, recommended, kernelChange].compactMap({ $0 }) {
      do {
        _ = try Policy(parsing: text)
      } catch {
        return error.description
      }
    }
    if !(0...1).contains(key.blockShare) { return "a block share of \(key.blockShare)" }
    if key.memory <= 0 { return "a memory of \(key.memory) bytes" }
    for effect in effects {
      let numbers = [effect.present, effect.recommended, effect.low, effect.high]
      if numbers.contains(where: { $0?.isNaN == true }) {
        return "\(effect.response.rawValue) is not a number"
      }
      guard let low = effect.low, let high = effect.high, let value = effect.recommended else {
        continue
      }
      if low > value || value > high {
        return "\(effect.response.rawValue) \(value) lies outside its interval \(low) to \(high)"
      }
    }
    return nil
  }

  /// The policy with this text over the present one.
  func policy(_ text: String) -> Policy? { try? Policy(parsing: text) }
}
