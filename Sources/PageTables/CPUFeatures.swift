// SPDX-License-Identifier: GPL-3.0-or-later

public import Quantities

/// What of a CPU's features decides how stage 2 is walked and flushed.
public struct CPUFeatures: Hashable, Sendable {
  /// FEAT_S2FWB: stage 2 forces write-back, so no cache maintenance is needed.
  public var forcedWriteBack: Bool
  /// FEAT_TLBIRANGE: invalidation by range of IPA.
  public var rangeTLBI: Bool
  /// The kernel runs at EL2 (VHE); otherwise every flush is a hypercall (nVHE).
  public var virtualizationHostExtensions: Bool
  /// FEAT_TTL: TLBI instructions carry a level hint.
  public var levelHint: Bool
  /// FEAT_LPA2 is in use: 52-bit addresses with 4K or 16K granules.
  public var largeAddresses: Bool
  /// The erratum workaround ARM64_WORKAROUND_REPEAT_TLBI: a second TLBI and DSB each time.
  public var repeatTLBISync: Bool
  /// The erratum workaround for speculative AT: one more ISB per switch to guest context.
  public var speculativeAT: Bool
  /// The data cache line, which cache maintenance steps by: 64 bytes on every known host.
  public var cacheLine: ByteCount

  /// Creates a set of features; everything optional is absent unless named.
  public init(
    forcedWriteBack: Bool = false,
    rangeTLBI: Bool = false,
    virtualizationHostExtensions: Bool = true,
    levelHint: Bool = false,
    largeAddresses: Bool = false,
    repeatTLBISync: Bool = false,
    speculativeAT: Bool = false,
    cacheLine: ByteCount = .bytes(64)
  ) {
    self.forcedWriteBack = forcedWriteBack
    self.rangeTLBI = rangeTLBI
    self.virtualizationHostExtensions = virtualizationHostExtensions
    self.levelHint = levelHint
    self.largeAddresses = largeAddresses
    self.repeatTLBISync = repeatTLBISync
    self.speculativeAT = speculativeAT
    self.cacheLine = cacheLine
  }

  /// Whether 6.6 and later defer the leaves' invalidation to the end of a call: range TLBI and
  /// forced write-back together.
  public var defersUnmapFlush: Bool { rangeTLBI && forcedWriteBack }
}
