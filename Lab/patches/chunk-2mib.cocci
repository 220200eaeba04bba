// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Stage-2 chunks of 2MiB, as s2tune export --format cocci writes it.
//   spatch --sp-file FILE --in-place arch/arm64/kvm/mmu.c
@@
identifier chunk;
type T;
@@
 stage2_range_addr_end(...)
 {
 ...
-T chunk = kvm_granule_size(KVM_PGTABLE_MIN_BLOCK_LEVEL);
+T chunk = 2097152UL;
 ...
 }
