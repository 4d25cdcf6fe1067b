//! Uniform crossover; see [`Crossover::Uniform`](super::Crossover::Uniform).

use orchestrator_core::FastStream;

/// Of each value one child has the mother's and the other the father's, by one bit of a word.
#[inline]
pub(in crate::genetic) fn cross(
    parents: [&[f64]; 2],
    children: [&mut [f64]; 2],
    stream: &mut FastStream,
) {
    const BITS: usize = u64::BITS as usize;
    let [mother, father] = parents.map(|parent| parent.chunks(BITS));
    let [first, second] = children.map(|child| child.chunks_mut(BITS));
    for (((mother, father), first), second) in mother.zip(father).zip(first).zip(second) {
        let mut bits = stream.word();
        let genes = mother.iter().zip(father).zip(first.iter_mut().zip(second));
        for ((mother, father), (first, second)) in genes {
            // All the bits that differ, or none: no branch to be mistaken about.
            let (mother, father) = (mother.to_bits(), father.to_bits());
            let swapped = (mother ^ father) & (bits & 1).wrapping_neg();
            *first = f64::from_bits(mother ^ swapped);
            *second = f64::from_bits(father ^ swapped);
            bits >>= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use orchestrator_core::Seed;

    use super::*;

    #[test]
    fn every_value_goes_to_one_child_and_its_rival_to_the_other() {
        // More values than a word has bits.
        let mother: Vec<f64> = (0..150).map(f64::from).collect();
        let father: Vec<f64> = (1000..1150).map(f64::from).collect();
        let (mut first, mut second) = (vec![0.0; 150], vec![0.0; 150]);
        let (mut stream, mut crossed, mut together) = (Seed(6).fast_stream(), vec![0; 150], 0);
        for _ in 0..400 {
            cross([&mother, &father], [&mut first, &mut second], &mut stream);
            for at in 0..150 {
                let pair = (first[at], second[at]);
                let swapped = pair == (father[at], mother[at]);
                assert!(swapped || pair == (mother[at], father[at]), "{at}: {pair:?}");
                crossed[at] += i32::from(swapped);
            }
            together += i32::from((first[3] == father[3]) == (first[4] == father[4]));
        }
        // Five standard deviations.
        assert!(crossed.iter().chain([&together]).all(|n| (150..=250).contains(n)), "{crossed:?}");
    }
}
