;; The loops that a photograph's pixels spend their time in (WebAssembly SIMD), several pixels, lines or columns at a time. They
;; read and write a little beyond what they are asked for, each says how much; what they write there is overwritten by the next
;; line. A pixel is loaded as 32 bits, the fourth byte of the next one, and its channels become lanes by a swizzle, whose
;; index −1 is a zero. The same in TypeScript, for the test: test/worker/models/pixelsReference.ts. Everything is written
;; out: engines do not inline functions. Compiled by scripts/build-pixels.mjs.
(module
  (memory (export "memory") 1)

  ;; Sideways: `rows` lines of `lineBytes` at `source` → lines of `width` float pixels at `target`. Column x is the sum
  ;; of `taps` pixels from byte firsts[x] of its line on, times weights[x·taps …]. Four lines at a time: up to three are
  ;; read, and written, beyond the last.
  (func (export "columns")
    (param $source i32) (param $lineBytes i32) (param $rows i32)
    (param $firsts i32) (param $weights i32) (param $taps i32) (param $width i32) (param $target i32)
    (local $x i32) (local $t i32) (local $weight i32) (local $first i32) (local $wide i32) (local $share v128)
    (local $at0 i32) (local $at1 i32) (local $at2 i32) (local $at3 i32)
    (local $to1 i32) (local $to2 i32) (local $to3 i32)
    (local $sum0 v128) (local $sum1 v128) (local $sum2 v128) (local $sum3 v128)
    (local.set $wide (i32.mul (local.get $width) (i32.const 12)))
    (loop $lines
      (local.set $weight (local.get $weights))
      (local.set $first (local.get $firsts))
      (local.set $x (local.get $width))
      (loop $column
        (local.set $at0 (i32.add (local.get $source) (i32.load (local.get $first))))
        (local.set $at1 (i32.add (local.get $at0) (local.get $lineBytes)))
        (local.set $at2 (i32.add (local.get $at1) (local.get $lineBytes)))
        (local.set $at3 (i32.add (local.get $at2) (local.get $lineBytes)))
        (local.set $sum0 (v128.const f32x4 0 0 0 0))
        (local.set $sum1 (v128.const f32x4 0 0 0 0))
        (local.set $sum2 (v128.const f32x4 0 0 0 0))
        (local.set $sum3 (v128.const f32x4 0 0 0 0))
        (local.set $t (local.get $taps))
        (loop $tap
          (local.set $share (v128.load32_splat (local.get $weight)))
          (local.set $sum0
            (f32x4.add
              (local.get $sum0)
              (f32x4.mul
                (local.get $share)
                (f32x4.convert_i32x4_s
                  (i8x16.swizzle
                    (v128.load32_zero align=1 (local.get $at0))
                    (v128.const i8x16 0 -1 -1 -1 1 -1 -1 -1 2 -1 -1 -1 -1 -1 -1 -1))))))
          (local.set $sum1
            (f32x4.add
              (local.get $sum1)
              (f32x4.mul
                (local.get $share)
                (f32x4.convert_i32x4_s
                  (i8x16.swizzle
                    (v128.load32_zero align=1 (local.get $at1))
                    (v128.const i8x16 0 -1 -1 -1 1 -1 -1 -1 2 -1 -1 -1 -1 -1 -1 -1))))))
          (local.set $sum2
            (f32x4.add
              (local.get $sum2)
              (f32x4.mul
                (local.get $share)
                (f32x4.convert_i32x4_s
                  (i8x16.swizzle
                    (v128.load32_zero align=1 (local.get $at2))
                    (v128.const i8x16 0 -1 -1 -1 1 -1 -1 -1 2 -1 -1 -1 -1 -1 -1 -1))))))
          (local.set $sum3
            (f32x4.add
              (local.get $sum3)
              (f32x4.mul
                (local.get $share)
                (f32x4.convert_i32x4_s
                  (i8x16.swizzle
                    (v128.load32_zero align=1 (local.get $at3))
                    (v128.const i8x16 0 -1 -1 -1 1 -1 -1 -1 2 -1 -1 -1 -1 -1 -1 -1))))))
          (local.set $at0 (i32.add (local.get $at0) (i32.const 3)))
          (local.set $at1 (i32.add (local.get $at1) (i32.const 3)))
          (local.set $at2 (i32.add (local.get $at2) (i32.const 3)))
          (local.set $at3 (i32.add (local.get $at3) (i32.const 3)))
          (local.set $weight (i32.add (local.get $weight) (i32.const 4)))
          (br_if $tap (local.tee $t (i32.sub (local.get $t) (i32.const 1)))))
        (local.set $to1 (i32.add (local.get $target) (local.get $wide)))
        (local.set $to2 (i32.add (local.get $to1) (local.get $wide)))
        (local.set $to3 (i32.add (local.get $to2) (local.get $wide)))
        (v128.store64_lane align=4 0 (local.get $target) (local.get $sum0))
        (v128.store32_lane offset=8 2 (local.get $target) (local.get $sum0))
        (v128.store64_lane align=4 0 (local.get $to1) (local.get $sum1))
        (v128.store32_lane offset=8 2 (local.get $to1) (local.get $sum1))
        (v128.store64_lane align=4 0 (local.get $to2) (local.get $sum2))
        (v128.store32_lane offset=8 2 (local.get $to2) (local.get $sum2))
        (v128.store64_lane align=4 0 (local.get $to3) (local.get $sum3))
        (v128.store32_lane offset=8 2 (local.get $to3) (local.get $sum3))
        (local.set $target (i32.add (local.get $target) (i32.const 12)))
        (local.set $first (i32.add (local.get $first) (i32.const 4)))
        (br_if $column (local.tee $x (i32.sub (local.get $x) (i32.const 1)))))
      (local.set $source (i32.add (local.get $source) (i32.mul (local.get $lineBytes) (i32.const 4))))
      (local.set $target (i32.add (local.get $target) (i32.mul (local.get $wide) (i32.const 3))))
      (br_if $lines
        (i32.gt_s (local.tee $rows (i32.sub (local.get $rows) (i32.const 4))) (i32.const 0)))))

  ;; Downwards: lines of `lineBytes` bytes of floats at `source` → `height` lines at `target`. Line y is the sum of
  ;; `taps` lines from byte firsts[y] on, times weights[y·taps …]. Sixteen floats at a time: every line is read and
  ;; written up to 60 bytes beyond its end, so lines are made from the first to the last.
  (func (export "lines")
    (param $source i32) (param $lineBytes i32) (param $height i32)
    (param $firsts i32) (param $weights i32) (param $taps i32) (param $target i32)
    (local $i i32) (local $t i32) (local $at i32) (local $weight i32) (local $share v128)
    (local $sum0 v128) (local $sum1 v128) (local $sum2 v128) (local $sum3 v128)
    (loop $line
      (local.set $i (i32.const 0))
      (loop $floats
        (local.set $at
          (i32.add (i32.add (local.get $source) (i32.load (local.get $firsts))) (local.get $i)))
        (local.set $weight (local.get $weights))
        (local.set $sum0 (v128.const f32x4 0 0 0 0))
        (local.set $sum1 (v128.const f32x4 0 0 0 0))
        (local.set $sum2 (v128.const f32x4 0 0 0 0))
        (local.set $sum3 (v128.const f32x4 0 0 0 0))
        (local.set $t (local.get $taps))
        (loop $tap
          (local.set $share (v128.load32_splat (local.get $weight)))
          (local.set $sum0
            (f32x4.add
              (local.get $sum0)
              (f32x4.mul (local.get $share) (v128.load align=4 (local.get $at)))))
          (local.set $sum1
            (f32x4.add
              (local.get $sum1)
              (f32x4.mul (local.get $share) (v128.load offset=16 align=4 (local.get $at)))))
          (local.set $sum2
            (f32x4.add
              (local.get $sum2)
              (f32x4.mul (local.get $share) (v128.load offset=32 align=4 (local.get $at)))))
          (local.set $sum3
            (f32x4.add
              (local.get $sum3)
              (f32x4.mul (local.get $share) (v128.load offset=48 align=4 (local.get $at)))))
          (local.set $at (i32.add (local.get $at) (local.get $lineBytes)))
          (local.set $weight (i32.add (local.get $weight) (i32.const 4)))
          (br_if $tap (local.tee $t (i32.sub (local.get $t) (i32.const 1)))))
        (local.set $at (i32.add (local.get $target) (local.get $i)))
        (v128.store align=4 (local.get $at) (local.get $sum0))
        (v128.store offset=16 align=4 (local.get $at) (local.get $sum1))
        (v128.store offset=32 align=4 (local.get $at) (local.get $sum2))
        (v128.store offset=48 align=4 (local.get $at) (local.get $sum3))
        (br_if $floats
          (i32.lt_u
            (local.tee $i (i32.add (local.get $i) (i32.const 64)))
            (local.get $lineBytes))))
      (local.set $target (i32.add (local.get $target) (local.get $lineBytes)))
      (local.set $firsts (i32.add (local.get $firsts) (i32.const 4)))
      (local.set $weights (i32.add (local.get $weights) (i32.mul (local.get $taps) (i32.const 4))))
      (br_if $line (local.tee $height (i32.sub (local.get $height) (i32.const 1))))))

  ;; One plane of floats: red·R + green·G + blue·B + shift of `count` interleaved float pixels at `source`, four at a
  ;; time: up to three are read, and up to three floats written, beyond the end.
  (func (export "plane")
    (param $source i32) (param $count i32)
    (param $red f32) (param $green f32) (param $blue f32) (param $shift f32) (param $target i32)
    (local $a v128) (local $b v128) (local $c v128)
    (loop $four
      ;; r0 g0 b0 r1 | g1 b1 r2 g2 | b2 r3 g3 b3
      (local.set $a (v128.load align=4 (local.get $source)))
      (local.set $b (v128.load offset=16 align=4 (local.get $source)))
      (local.set $c (v128.load offset=32 align=4 (local.get $source)))
      (v128.store align=4
        (local.get $target)
        (f32x4.add
          (f32x4.add
            (f32x4.mul
              (f32x4.splat (local.get $red))
              (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 20 21 22 23
                (i8x16.shuffle 0 1 2 3 12 13 14 15 24 25 26 27 0 1 2 3 (local.get $a) (local.get $b))
                (local.get $c)))
            (f32x4.mul
              (f32x4.splat (local.get $green))
              (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 24 25 26 27
                (i8x16.shuffle 4 5 6 7 16 17 18 19 28 29 30 31 0 1 2 3 (local.get $a) (local.get $b))
                (local.get $c))))
          (f32x4.add
            (f32x4.mul
              (f32x4.splat (local.get $blue))
              (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 28 29 30 31
                (i8x16.shuffle 8 9 10 11 20 21 22 23 0 1 2 3 0 1 2 3 (local.get $a) (local.get $b))
                (local.get $c)))
            (f32x4.splat (local.get $shift)))))
      (local.set $source (i32.add (local.get $source) (i32.const 48)))
      (local.set $target (i32.add (local.get $target) (i32.const 16)))
      (br_if $four
        (i32.gt_s (local.tee $count (i32.sub (local.get $count) (i32.const 4))) (i32.const 0)))))

  ;; A square crop of `side` pixels: the pixel at (u, v) is the mean of samples² bilinear samples of the picture at
  ;; (a·x − b·y + tx, b·x + a·y + ty), x = u + (i + ½)/samples, y alike; coordinates count pixel centres and all lie
  ;; inside the picture. Rounded to bytes, three a pixel. `line` has room for seven floats a column: the
  ;; sum so far of a line's pixels, and where one sample of each lies. `side` is a multiple of four.
  (func (export "warp")
    (param $source i32) (param $lineBytes i32)
    (param $a f32) (param $b f32) (param $tx f32) (param $ty f32)
    (param $samples i32) (param $side i32) (param $line i32) (param $target i32)
    (local $u i32) (local $v i32) (local $i i32) (local $j i32) (local $at i32)
    (local $places i32) (local $rights i32) (local $belows i32) (local $sums i32) (local $here i32)
    (local $step f32) (local $mean f32) (local $down f32) (local $cx v128) (local $x v128) (local $y v128)
    (local $wholeX v128) (local $wholeY v128) (local $share v128) (local $pair v128) (local $left v128)
    (local $sum v128) (local $upper v128) (local $lower v128)
    (local.set $step (f32.div (f32.const 1) (f32.convert_i32_s (local.get $samples))))
    (local.set $mean (f32.mul (local.get $step) (local.get $step)))
    (local.set $sums (local.get $line))
    (local.set $places (i32.add (local.get $sums) (i32.mul (local.get $side) (i32.const 16))))
    (local.set $rights (i32.add (local.get $places) (i32.mul (local.get $side) (i32.const 4))))
    (local.set $belows (i32.add (local.get $rights) (i32.mul (local.get $side) (i32.const 4))))
    (loop $lines
      (memory.fill (local.get $sums) (i32.const 0) (i32.mul (local.get $side) (i32.const 16)))
      (local.set $j (i32.const 0))
      (loop $downwards
        (local.set $down
          (f32.add
            (f32.convert_i32_s (local.get $v))
            (f32.mul (f32.add (f32.convert_i32_s (local.get $j)) (f32.const 0.5)) (local.get $step))))
        (local.set $i (i32.const 0))
        (loop $across
          ;; Where the sample lies, four columns at a time: its upper left pixel, and how far right and below of it.
          (local.set $u (i32.const 0))
          (loop $four
            (local.set $here (i32.mul (local.get $u) (i32.const 4)))
            (local.set $cx
              (f32x4.add
                (f32x4.convert_i32x4_s
                  (i32x4.add (i32x4.splat (local.get $u)) (v128.const i32x4 0 1 2 3)))
                (f32x4.splat
                  (f32.mul (f32.add (f32.convert_i32_s (local.get $i)) (f32.const 0.5)) (local.get $step)))))
            (local.set $x
              (f32x4.add
                (f32x4.sub
                  (f32x4.mul (f32x4.splat (local.get $a)) (local.get $cx))
                  (f32x4.splat (f32.mul (local.get $b) (local.get $down))))
                (f32x4.splat (local.get $tx))))
            (local.set $y
              (f32x4.add
                (f32x4.add
                  (f32x4.mul (f32x4.splat (local.get $b)) (local.get $cx))
                  (f32x4.splat (f32.mul (local.get $a) (local.get $down))))
                (f32x4.splat (local.get $ty))))
            (local.set $wholeX (f32x4.floor (local.get $x)))
            (local.set $wholeY (f32x4.floor (local.get $y)))
            ;; Whole numbers from 0 to 2²³ lie in the low bits of their sum with 2²³: less than trunc's checks.
            (v128.store align=4 (i32.add (local.get $places) (local.get $here))
              (i32x4.add
                (i32x4.splat (local.get $source))
                (i32x4.add
                  (i32x4.mul
                    (v128.and
                      (f32x4.add (local.get $wholeY) (v128.const f32x4 8388608 8388608 8388608 8388608))
                      (v128.const i32x4 0x7fffff 0x7fffff 0x7fffff 0x7fffff))
                    (i32x4.splat (local.get $lineBytes)))
                  (i32x4.mul
                    (v128.and
                      (f32x4.add (local.get $wholeX) (v128.const f32x4 8388608 8388608 8388608 8388608))
                      (v128.const i32x4 0x7fffff 0x7fffff 0x7fffff 0x7fffff))
                    (v128.const i32x4 3 3 3 3)))))
            (v128.store align=4 (i32.add (local.get $rights) (local.get $here))
              (f32x4.sub (local.get $x) (local.get $wholeX)))
            (v128.store align=4 (i32.add (local.get $belows) (local.get $here))
              (f32x4.sub (local.get $y) (local.get $wholeY)))
            (br_if $four
              (i32.lt_s (local.tee $u (i32.add (local.get $u) (i32.const 4))) (local.get $side))))
          ;; The upper two pixels mixed, the lower two, and both.
          (local.set $u (i32.const 0))
          (loop $column
            (local.set $here (i32.mul (local.get $u) (i32.const 4)))
            (local.set $at (i32.load (i32.add (local.get $places) (local.get $here))))
            (local.set $share (v128.load32_splat (i32.add (local.get $rights) (local.get $here))))
            (local.set $pair (v128.load64_zero align=1 (local.get $at)))
            (local.set $left
              (f32x4.convert_i32x4_s
                (i8x16.swizzle
                  (local.get $pair)
                  (v128.const i8x16 0 -1 -1 -1 1 -1 -1 -1 2 -1 -1 -1 -1 -1 -1 -1))))
            (local.set $upper
              (f32x4.add
                (local.get $left)
                (f32x4.mul
                  (local.get $share)
                  (f32x4.sub
                    (f32x4.convert_i32x4_s
                      (i8x16.swizzle
                        (local.get $pair)
                        (v128.const i8x16 3 -1 -1 -1 4 -1 -1 -1 5 -1 -1 -1 -1 -1 -1 -1)))
                    (local.get $left)))))
            (local.set $pair (v128.load64_zero align=1 (i32.add (local.get $at) (local.get $lineBytes))))
            (local.set $left
              (f32x4.convert_i32x4_s
                (i8x16.swizzle
                  (local.get $pair)
                  (v128.const i8x16 0 -1 -1 -1 1 -1 -1 -1 2 -1 -1 -1 -1 -1 -1 -1))))
            (local.set $lower
              (f32x4.add
                (local.get $left)
                (f32x4.mul
                  (local.get $share)
                  (f32x4.sub
                    (f32x4.convert_i32x4_s
                      (i8x16.swizzle
                        (local.get $pair)
                        (v128.const i8x16 3 -1 -1 -1 4 -1 -1 -1 5 -1 -1 -1 -1 -1 -1 -1)))
                    (local.get $left)))))
            (local.set $at (i32.add (local.get $sums) (i32.mul (local.get $u) (i32.const 16))))
            (v128.store
              (local.get $at)
              (f32x4.add
                (v128.load (local.get $at))
                (f32x4.add
                  (local.get $upper)
                  (f32x4.mul
                    (v128.load32_splat (i32.add (local.get $belows) (local.get $here)))
                    (f32x4.sub (local.get $lower) (local.get $upper))))))
            (br_if $column
              (i32.lt_s (local.tee $u (i32.add (local.get $u) (i32.const 1))) (local.get $side))))
          (br_if $across
            (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $samples))))
        (br_if $downwards
          (i32.lt_s (local.tee $j (i32.add (local.get $j) (i32.const 1))) (local.get $samples))))
      (local.set $u (i32.const 0))
      (loop $column
        (local.set $sum
          (i32x4.trunc_sat_f32x4_s
            (f32x4.add
              (f32x4.mul
                (v128.load (i32.add (local.get $sums) (i32.mul (local.get $u) (i32.const 16))))
                (f32x4.splat (local.get $mean)))
              (v128.const f32x4 0.5 0.5 0.5 0.5))))
        ;; Bytes 0, 4 and 8 beside each other; the fourth is overwritten by the next pixel.
        (v128.store32_lane align=1 0
          (local.get $target)
          (i8x16.swizzle (local.get $sum) (v128.const i8x16 0 4 8 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1)))
        (local.set $target (i32.add (local.get $target) (i32.const 3)))
        (br_if $column
          (i32.lt_s (local.tee $u (i32.add (local.get $u) (i32.const 1))) (local.get $side))))
      (br_if $lines
        (i32.lt_s (local.tee $v (i32.add (local.get $v) (i32.const 1))) (local.get $side)))))

  ;; Half size: every pixel of `width`×`height` at `target` is the mean of 2×2 of lines of `lineBytes` at `source`,
  ;; rounded; three bytes a pixel. Four pixels at a time: up to 22 bytes are read, and 13 written, beyond a line's end, so lines
  ;; are made from the first to the last.
  (func (export "halve")
    (param $source i32) (param $lineBytes i32) (param $width i32) (param $height i32) (param $target i32)
    (local $x i32) (local $at i32) (local $below i32) (local $to i32) (local $pairs v128) (local $two v128)
    ;; Two pixels' channels beside each other, of two pairs of pixels.
    (local.set $pairs (v128.const i8x16 0 3 1 4 2 5 6 9 7 10 8 11 -1 -1 -1 -1))
    (local.set $two (v128.const i16x8 2 2 2 2 2 2 2 2))
    (loop $line
      (local.set $x (local.get $width))
      (local.set $at (local.get $source))
      (local.set $to (local.get $target))
      (loop $four
        (local.set $below (i32.add (local.get $at) (local.get $lineBytes)))
        (v128.store align=1
          (local.get $to)
          (i8x16.swizzle
            (i8x16.narrow_i16x8_u
              (i16x8.shr_u
                (i16x8.add
                  (i16x8.add
                    (i16x8.extadd_pairwise_i8x16_u
                      (i8x16.swizzle (v128.load align=1 (local.get $at)) (local.get $pairs)))
                    (i16x8.extadd_pairwise_i8x16_u
                      (i8x16.swizzle (v128.load align=1 (local.get $below)) (local.get $pairs))))
                  (local.get $two))
                (i32.const 2))
              (i16x8.shr_u
                (i16x8.add
                  (i16x8.add
                    (i16x8.extadd_pairwise_i8x16_u
                      (i8x16.swizzle (v128.load offset=12 align=1 (local.get $at)) (local.get $pairs)))
                    (i16x8.extadd_pairwise_i8x16_u
                      (i8x16.swizzle (v128.load offset=12 align=1 (local.get $below)) (local.get $pairs))))
                  (local.get $two))
                (i32.const 2)))
            (v128.const i8x16 0 1 2 3 4 5 8 9 10 11 12 13 -1 -1 -1 -1)))
        (local.set $to (i32.add (local.get $to) (i32.const 12)))
        (local.set $at (i32.add (local.get $at) (i32.const 24)))
        (br_if $four
          (i32.gt_s (local.tee $x (i32.sub (local.get $x) (i32.const 4))) (i32.const 0))))
      (local.set $source (i32.add (local.get $source) (i32.mul (local.get $lineBytes) (i32.const 2))))
      (local.set $target (i32.add (local.get $target) (i32.mul (local.get $width) (i32.const 3))))
      (br_if $line (local.tee $height (i32.sub (local.get $height) (i32.const 1)))))))
