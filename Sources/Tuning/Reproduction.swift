// SPDX-License-Identifier: GPL-3.0-or-later

package import Observations
import Policies
import Profiles
import Quantities

/// A figure that a measurement on the user's host would confirm or falsify.
package struct Expectation: Hashable, Sendable, Codable {
  /// The policy the figure belongs to.
  package let policy: String
  /// The response.
  package let response: Response
  /// The lower end of what is expected, in the response's unit.
  package let low: Double
  /// The upper end of what is expected, in the response's unit.
  package let high: Double
  /// The same in one sentence, with how to read it off.
  package let sentence: String
}

/// How to check an answer on one's own hardware.
package struct Reproduction: Hashable, Sendable, Codable {
  /// Commands in order; words in capitals are the user's to fill in.
  package let commands: [String]
  /// What they should show, for the present and for the recommended policy.
  package let expected: [Expectation]
}

extension Recommendation {
  /// The commands and numbers that could falsify the answer on the user's hardware.
  ///
  /// An expectation is the interval of the simulated mean, widened by the 10 % that a calibrated
  /// host's unit costs may be off.
  package func reproduction() -> Reproduction {
    var expected: [Expectation] = []
    for row in rows where row.role == .now || row.isRecommended {
      for effect in row.effects {
        guard let simulated = effect.simulated, let way = effect.response.measurement else {
          continue
        }
        let slack = effect.response.unit == .share ? 0.02 : 0.1 * simulated.value
        let low = max(0, simulated.low - slack)
        let high = simulated.high + slack
        let range = "\(effect.response.written(low)) to \(effect.response.written(high))"
        expected.append(
          Expectation(
            policy: row.policy,
            response: effect.response,
            low: low,
            high: high,
            sentence: "\(effect.response.phrase) from \(range): \(way)"
          )
        )
      }
    }
    return Reproduction(commands: commands, expected: expected)
  }

  private var commands: [String] {
    let hasNetwork = rows.first?.effects.contains { $0.response == .goodputRetained } == true
    let memory = ByteCount(rawValue: asked.memory).description
    var commands: [String] = []
    if hasNetwork {
      commands += [
        "echo CPU > /proc/irq/IRQ/smp_affinity_list",
        "taskset -c CPU iperf3 -s",
        "iperf3 -c HOST -t 120 -i 1   # on the other machine; note the rate before the operation",
      ]
    }
    commands += [
      "start a VM of \(memory), touch all of its memory, and taskset -cp CPU VMM_PID",
      "trace-cmd record -p function_graph -l kvm_pgtable_stage2_unmap "
        + "-l kvm_pgtable_stage2_wrprotect -l kvm_pgtable_stage2_destroy &",
    ]
    switch asked.operation {
    case .teardown:
      commands.append(
        "end it by \(asked.path?.rawValue ?? "its own path"), timed with clock_gettime"
      )
    case .logEnable: commands.append("set KVM_MEM_LOG_DIRTY_PAGES on its slots, timed")
    case .migration: commands.append("migrate it; read total time and downtime from the VMM")
    case .dirty: commands.append("dirty_log_perf_test -v VCPUS -b SIZE -m MODE -i 2")
    case .populate:
      commands.append("dirty_log_perf_test -v VCPUS -b SIZE -m MODE: its populate time")
    case .map: commands.append("kvm_page_table_test -v 1 -m MODE -b SIZE beside the load")
    case .mapCreate: commands.append("kvm_page_table_test -v VCPUS -m MODE -b SIZE")
    case .reclaim:
      commands.append(
        "reclaim its memory through memory.reclaim of its cgroup, or have it unmapped as the workload says; "
          + "trace-cmd record -e kvm:kvm_unmap_hva_range counts the calls"
      )
    }
    commands += apply.filter { $0.place != "kernel" && $0.place != "cloud-hypervisor" }
      .map { "then again with: \($0.text)" }
    return commands
  }
}

extension Response {
  /// How the response is read off on a real host; nil where it cannot be.
  fileprivate var measurement: String? {
    switch self {
    case .teardownTime: "the time of the whole call sequence"
    case .stageTwoTime: nil
    case .longestHold: "the longest duration of the traced function between two break points"
    case .writeProtectTotal: "the time of the ioctls together"
    case .writeProtectP99: "the 99th percentile of one ioctl"
    case .worstStall: "the longest gap of a guest loop that writes its own clock"
    case .goodputRetained: "iperf3's rate during the operation over the rate before"
    case .requestP99: "the request client's own 99th percentile"
    case .iopsRetained: "fio's requests per second during over before"
    case .connectsFailed: "connections over a second, in the connect client"
    case .migrationTime: "the VMM's total time"
    case .downtime: "the VMM's downtime"
    case .guestLost: "a guest loop's rate during the operation against its rate before"
    }
  }
}
