// SPDX-License-Identifier: GPL-3.0-or-later

package import Campaigns
import Quantities

extension StoreStatus {
  /// A line a campaign, then who is at work, then what failed.
  package func text() -> String {
    guard !campaigns.isEmpty else { return "\(store): no campaign yet\n" }
    var table = TextTable(
      columns: [
        .init("campaign"), .init("runs", isNumber: true), .init("done", isNumber: true),
        .init("waiting", isNumber: true), .init("refused", isNumber: true),
        .init("crashed", isNumber: true), .init("rate", isNumber: true),
        .init("left", isNumber: true),
        .init("extent"), .init("seed", isNumber: true), .init("simulator"),
      ]
    )
    for one in campaigns {
      table.append(
        [
          one.name, "\(one.runs)", "\(one.done)", "\(one.waiting)", "\(one.refused)",
          "\(one.crashed)",
          one.rate.map { significant($0, digits: 3) + "/s" } ?? "-", one.timeLeft ?? "-",
          one.extent?.rawValue ?? "window", "\(one.seed)", one.simulator,
        ]
      )
    }
    var text = "\(store)\n\n" + table.text()
    for one in campaigns {
      if let digest = one.digest { text += "\n  digest   \(one.name): \(digest)" }
    }
    for worker in workers {
      text +=
        "\n  at work  process \(worker.process) on \(worker.work): \(worker.made) runs in "
        + "\(CampaignStatus.span(worker.age)), \(worker.making) taken"
    }
    for failure in failures.prefix(Self.shown) {
      text += "\n  \(failure.state)  run \(failure.index), \(failure.what): \(failure.reason)"
    }
    if failures.count > Self.shown {
      text += "\n  and \(failures.count - Self.shown) more: --format json"
    }
    return text.hasSuffix("\n") ? text : text + "\n"
  }

  /// Failures that are written out.
  private static let shown = 10
}

extension CampaignStatus {
  /// How long the rest takes at the present rate; nil where nobody is at work.
  package var timeLeft: String? { secondsLeft.map(Self.span) }

  /// A span of so many seconds, such as `4 min`.
  static func span(_ seconds: Double) -> String {
    switch seconds {
    case ..<90: significant(seconds.rounded(), digits: 2) + " s"
    case ..<5400: significant((seconds / 60).rounded(), digits: 2) + " min"
    default: significant(seconds / 3600, digits: 3) + " h"
    }
  }
}
