// SPDX-License-Identifier: GPL-3.0-or-later

package import Foundation

/// What `squeue --json` says of job arrays: which elements are still to come or at work.
package struct SlurmQueue: Hashable, Sendable {
  /// Elements that are not over, by job.
  package let elements: [String: Set<Int>]

  /// States after which nothing more comes of an element.
  private static let over: Set<String> = [
    "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY",
    "PREEMPTED", "REVOKED", "TIMEOUT",
  ]

  /// A number as Slurm writes it: plain, or from 23.02 on as `{"set": true, "number": 7}`.
  private struct Number: Decodable {
    let value: Int?

    private struct Wrapped: Decodable {
      let set: Bool
      let number: Int
    }

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let number = try? container.decode(Int.self) {
        value = number
      } else if let wrapped = try? container.decode(Wrapped.self) {
        value = wrapped.set ? wrapped.number : nil
      } else {
        value = nil
      }
    }
  }

  /// A state as Slurm writes it: one word, or from 23.02 on several.
  private struct State: Decodable {
    let words: [String]

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      words = try (try? container.decode([String].self)) ?? [container.decode(String.self)]
    }
  }

  private struct Job: Decodable {
    let array: Number?
    let element: Number?
    let elements: String?
    let job: Number
    let state: State

    enum CodingKeys: String, CodingKey {
      case array = "array_job_id"
      case element = "array_task_id"
      case elements = "array_task_string"
      case job = "job_id"
      case state = "job_state"
    }
  }

  private struct Answer: Decodable { let jobs: [Job] }

  /// Reads what `squeue --json` printed; throws `cluster` for anything else.
  package init(json: Data) throws(CampaignError) {
    let jobs: [Job]
    do {
      jobs = try JSONDecoder().decode(Answer.self, from: json).jobs
    } catch {
      throw .cluster(command: "squeue --json", reason: "what it printed is not its JSON")
    }
    var found: [String: Set<Int>] = [:]
    for job in jobs where Self.over.isDisjoint(with: job.state.words) {
      let array = job.array?.value ?? 0
      let number = String(array == 0 ? job.job.value ?? 0 : array)
      // Elements that wait stand in one entry, as text.
      if let text = job.elements, !text.isEmpty {
        found[number, default: []].formUnion(try Self.elements(text))
      } else {
        found[number, default: []].insert(job.element?.value ?? 0)
      }
    }
    elements = found
  }

  /// The elements of a text such as `1-5,7,9-21:4%2`.
  static func elements(_ text: String) throws(CampaignError) -> Set<Int> {
    var found: Set<Int> = []
    for part in text.prefix(while: { $0 != "%" }).split(separator: ",") {
      let halves = part.split(separator: ":")
      let ends = halves[0].split(separator: "-").map { Int($0) }
      let step = halves.count > 1 ? Int(halves[1]) : 1
      guard halves.count <= 2, (1...2).contains(ends.count), let first = ends[0],
        let last = ends[ends.count - 1], let step, step > 0, first >= 0, last >= first,
        last < 10_000_000
      else { throw .cluster(command: "squeue --json", reason: "array_task_string is '\(text)'") }
      found.formUnion(stride(from: first, through: last, by: step))
    }
    return found
  }
}
