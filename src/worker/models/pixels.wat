;; The loops that a photograph's pixels spend their time in, four floats at a time (WebAssembly SIMD). A pixel is
;; loaded as 32 bits: red, green, blue and one byte of the next pixel, which no result keeps; two pixels as 64 bits. Sources must
;; therefore be readable two bytes, results writable four bytes beyond their end. The same in TypeScript, for the test:
;; test/worker/models/pixelsReference.ts. Everything is written out: engines do not inline functions. Compiled by scripts/build-pixels.mjs.
(module
  (memory (export "memory") 1)

  ;; Sideways: `rows` lines of `lineBytes` at `source` → lines of `width` float pixels at `target`. Column x is the sum
  ;; of `taps` pixels from byte firsts[x] of its line on, times weights[x·taps …].
  (func (export "columns")
    (param $source i32) (param $lineBytes i32) (param $rows i32)
    (param $firsts i32) (param $weights i32) (param $taps i32) (param $width i32) (param $target i32)
    (local $x i32) (local $t i32) (local $at i32) (local $weight i32) (local $first i32) (local $sum v128)
    (block $done
      (loop $row
        (br_if $done (i32.eqz (local.get $rows)))
        (local.set $weight (local.get $weights))
        (local.set $first (local.get $firsts))
        (local.set $x (local.get $width))
        (loop $column
          (local.set $at (i32.add (local.get $source) (i32.load (local.get $first))))
          (local.set $sum (v128.const f32x4 0 0 0 0))
          (local.set $t (local.get $taps))
          (loop $tap
            (local.set $sum
              (f32x4.add
                (local.get $sum)
                (f32x4.mul
                  (v128.load32_splat (local.get $weight))
                  (f32x4.convert_i32x4_s
                    (i32x4.extend_low_i16x8_u
                      (i16x8.extend_low_i8x16_u
                        (v128.load32_zero align=1 (local.get $at))))))))
            (local.set $at (i32.add (local.get $at) (i32.const 3)))
            (local.set $weight (i32.add (local.get $weight) (i32.const 4)))
            (br_if $tap (local.tee $t (i32.sub (local.get $t) (i32.const 1)))))
          (v128.store (local.get $target) (local.get $sum))
          (local.set $target (i32.add (local.get $target) (i32.const 12)))
          (local.set $first (i32.add (local.get $first) (i32.const 4)))
          (br_if $column (local.tee $x (i32.sub (local.get $x) (i32.const 1)))))
        (local.set $source (i32.add (local.get $source) (local.get $lineBytes)))
        (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
        (br $row))))

  ;; Downwards: lines of `lineBytes` bytes of floats at `source` → `height` lines at `target`. Line y is the sum of
  ;; `taps` lines from byte firsts[y] on, times weights[y·taps …]. lineBytes is a multiple of 4; every line is written
  ;; up to 12 bytes beyond its end, so lines are made from the first to the last.
  (func (export "lines")
    (param $source i32) (param $lineBytes i32) (param $height i32)
    (param $firsts i32) (param $weights i32) (param $taps i32) (param $target i32)
    (local $i i32) (local $t i32) (local $at i32) (local $weight i32) (local $sum v128)
    (block $done
      (loop $line
        (br_if $done (i32.eqz (local.get $height)))
        (local.set $i (i32.const 0))
        (loop $four
          (local.set $at
            (i32.add (i32.add (local.get $source) (i32.load (local.get $firsts))) (local.get $i)))
          (local.set $weight (local.get $weights))
          (local.set $sum (v128.const f32x4 0 0 0 0))
          (local.set $t (local.get $taps))
          (loop $tap
            (local.set $sum
              (f32x4.add
                (local.get $sum)
                (f32x4.mul (v128.load32_splat (local.get $weight)) (v128.load align=4 (local.get $at)))))
            (local.set $at (i32.add (local.get $at) (local.get $lineBytes)))
            (local.set $weight (i32.add (local.get $weight) (i32.const 4)))
            (br_if $tap (local.tee $t (i32.sub (local.get $t) (i32.const 1)))))
          (v128.store align=4 (i32.add (local.get $target) (local.get $i)) (local.get $sum))
          (br_if $four
            (i32.lt_u
              (local.tee $i (i32.add (local.get $i) (i32.const 16)))
              (local.get $lineBytes))))
        (local.set $target (i32.add (local.get $target) (local.get $lineBytes)))
        (local.set $firsts (i32.add (local.get $firsts) (i32.const 4)))
        (local.set $weights (i32.add (local.get $weights) (i32.mul (local.get $taps) (i32.const 4))))
        (local.set $height (i32.sub (local.get $height) (i32.const 1)))
        (br $line))))

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
  ;; inside the picture. Rounded to bytes, three a pixel.
  (func (export "warp")
    (param $source i32) (param $lineBytes i32)
    (param $a f32) (param $b f32) (param $tx f32) (param $ty f32)
    (param $samples i32) (param $side i32) (param $target i32)
    (local $u i32) (local $v i32) (local $i i32) (local $j i32) (local $at i32)
    (local $step f32) (local $share f32) (local $cx f32) (local $cy f32) (local $x f32) (local $y f32)
    (local $wholeX f32) (local $wholeY f32) (local $right f32) (local $below f32) (local $pair v128) (local $left v128)
    (local $sum v128) (local $upper v128) (local $lower v128)
    (local.set $step (f32.div (f32.const 1) (f32.convert_i32_s (local.get $samples))))
    (local.set $share (f32.mul (local.get $step) (local.get $step)))
    (loop $line
      (local.set $u (i32.const 0))
      (loop $column
        (local.set $sum (v128.const f32x4 0 0 0 0))
        (local.set $j (i32.const 0))
        (loop $down
          (local.set $cy
            (f32.add
              (f32.convert_i32_s (local.get $v))
              (f32.mul (f32.add (f32.convert_i32_s (local.get $j)) (f32.const 0.5)) (local.get $step))))
          (local.set $i (i32.const 0))
          (loop $across
            (local.set $cx
              (f32.add
                (f32.convert_i32_s (local.get $u))
                (f32.mul (f32.add (f32.convert_i32_s (local.get $i)) (f32.const 0.5)) (local.get $step))))
            (local.set $x
              (f32.add
                (f32.sub
                  (f32.mul (local.get $a) (local.get $cx))
                  (f32.mul (local.get $b) (local.get $cy)))
                (local.get $tx)))
            (local.set $y
              (f32.add
                (f32.add
                  (f32.mul (local.get $b) (local.get $cx))
                  (f32.mul (local.get $a) (local.get $cy)))
                (local.get $ty)))
            (local.set $wholeX (f32.floor (local.get $x)))
            (local.set $wholeY (f32.floor (local.get $y)))
            (local.set $right (f32.sub (local.get $x) (local.get $wholeX)))
            (local.set $below (f32.sub (local.get $y) (local.get $wholeY)))
            ;; Whole numbers from 0 to 2²³ lie in the low bits of their sum with 2²³: less than trunc's checks.
            (local.set $at
              (i32.add
                (local.get $source)
                (i32.add
                  (i32.mul
                    (i32.and
                      (i32.reinterpret_f32 (f32.add (local.get $wholeY) (f32.const 8388608)))
                      (i32.const 0x7fffff))
                    (local.get $lineBytes))
                  (i32.mul
                    (i32.and
                      (i32.reinterpret_f32 (f32.add (local.get $wholeX) (f32.const 8388608)))
                      (i32.const 0x7fffff))
                    (i32.const 3)))))
            ;; The upper two pixels mixed, then the lower two. Lanes 0–2 of a pair: the left pixel, 3–5: the right one.
            (local.set $pair (v128.load8x8_u align=1 (local.get $at)))
            (local.set $left (f32x4.convert_i32x4_s (i32x4.extend_low_i16x8_u (local.get $pair))))
            (local.set $upper
              (f32x4.add
                (local.get $left)
                (f32x4.mul
                  (f32x4.splat (local.get $right))
                  (f32x4.sub
                    (f32x4.convert_i32x4_s
                      (i32x4.extend_low_i16x8_u
                        (i8x16.shuffle 6 7 8 9 10 11 12 13 14 15 0 1 2 3 4 5 (local.get $pair) (local.get $pair))))
                    (local.get $left)))))
            (local.set $pair (v128.load8x8_u align=1 (i32.add (local.get $at) (local.get $lineBytes))))
            (local.set $left (f32x4.convert_i32x4_s (i32x4.extend_low_i16x8_u (local.get $pair))))
            (local.set $lower
              (f32x4.add
                (local.get $left)
                (f32x4.mul
                  (f32x4.splat (local.get $right))
                  (f32x4.sub
                    (f32x4.convert_i32x4_s
                      (i32x4.extend_low_i16x8_u
                        (i8x16.shuffle 6 7 8 9 10 11 12 13 14 15 0 1 2 3 4 5 (local.get $pair) (local.get $pair))))
                    (local.get $left)))))
            (local.set $sum
              (f32x4.add
                (local.get $sum)
                (f32x4.add
                  (local.get $upper)
                  (f32x4.mul
                    (f32x4.splat (local.get $below))
                    (f32x4.sub (local.get $lower) (local.get $upper))))))
            (br_if $across
              (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $samples))))
          (br_if $down
            (i32.lt_s (local.tee $j (i32.add (local.get $j) (i32.const 1))) (local.get $samples))))
        (local.set $sum
          (i32x4.trunc_sat_f32x4_u
            (f32x4.add
              (f32x4.mul (local.get $sum) (f32x4.splat (local.get $share)))
              (v128.const f32x4 0.5 0.5 0.5 0.5))))
        (i32.store8 (local.get $target) (i32x4.extract_lane 0 (local.get $sum)))
        (i32.store8 offset=1 (local.get $target) (i32x4.extract_lane 1 (local.get $sum)))
        (i32.store8 offset=2 (local.get $target) (i32x4.extract_lane 2 (local.get $sum)))
        (local.set $target (i32.add (local.get $target) (i32.const 3)))
        (br_if $column
          (i32.lt_s (local.tee $u (i32.add (local.get $u) (i32.const 1))) (local.get $side))))
      (br_if $line
        (i32.lt_s (local.tee $v (i32.add (local.get $v) (i32.const 1))) (local.get $side)))))

  ;; Half size: every pixel of `width`×`height` at `target` is the mean of 2×2 of lines of `lineBytes` at `source`,
  ;; rounded; three bytes a pixel.
  (func (export "halve")
    (param $source i32) (param $lineBytes i32) (param $width i32) (param $height i32) (param $target i32)
    (local $x i32) (local $at i32) (local $sum v128)
    (loop $line
      (local.set $x (local.get $width))
      (local.set $at (local.get $source))
      (loop $column
        (local.set $sum
          (i16x8.add
            (i16x8.extend_low_i8x16_u (v128.load64_zero align=1 (local.get $at)))
            (i16x8.extend_low_i8x16_u
              (v128.load64_zero align=1 (i32.add (local.get $at) (local.get $lineBytes))))))
        ;; Lanes 0–2: the left column of pixels, 3–5: the right one.
        (local.set $sum
          (i16x8.shr_u
            (i16x8.add
              (i16x8.add
                (local.get $sum)
                (i8x16.shuffle 6 7 8 9 10 11 12 13 14 15 0 1 2 3 4 5 (local.get $sum) (local.get $sum)))
              (v128.const i16x8 2 2 2 2 2 2 2 2))
            (i32.const 2)))
        (v128.store32_lane align=1 0
          (local.get $target)
          (i8x16.narrow_i16x8_u (local.get $sum) (local.get $sum)))
        (local.set $target (i32.add (local.get $target) (i32.const 3)))
        (local.set $at (i32.add (local.get $at) (i32.const 6)))
        (br_if $column (local.tee $x (i32.sub (local.get $x) (i32.const 1)))))
      (local.set $source (i32.add (local.get $source) (i32.mul (local.get $lineBytes) (i32.const 2))))
      (br_if $line (local.tee $height (i32.sub (local.get $height) (i32.const 1)))))))
