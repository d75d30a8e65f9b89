# SPDX-License-Identifier: Apache-2.0
"""Files of public corpora by their names, and folders of short tones under them."""

from __future__ import annotations

from training_folders import tone, write

VOICEBANK = [
    f"{kind}_{part}/{voice}_{number:03d}.wav"
    for kind in ("clean", "noisy")
    for part, voices in (("trainset_28spk_wav", ("p226", "p227", "p228", "p230")), ("testset_wav", ("p232", "p257")))
    for voice in voices
    for number in (1, 2)
]
DNS = [
    *(
        f"datasets_fullband/clean_fullband/read_speech/book_0{r}_chp_0009_reader_0670{r}_{n}_seg_1.wav"
        for r in "1234"
        for n in "01"
    ),
    *(f"datasets_fullband/clean_fullband/vctk_wav48_silence_trimmed/p22{v}/p22{v}_00{n}_mic1.flac" for v in "56" for n in "12"),
    *(f"datasets_fullband/clean_fullband/emotional_speech/crema_d/100{v}_DFA_ANG_XX.wav" for v in "12"),
    *(f"datasets_fullband/noise_fullband/{name}.wav" for name in ("door_Freesound_validated_1_0", "-0b3hZ", "9xQ", "fan")),
    "datasets_fullband/impulse_responses/SLR26/simulated_rirs_48k/smallroom/Room001/Room001-00001.wav",
    "datasets_fullband/dev_testset/noisy_testclips/audioset_realrec_airconditioner_1.wav",
]
LIBRISPEECH = [
    f"LibriSpeech/{part}/{reader}/{chapter}/{reader}-{chapter}-000{n}.flac"
    for part, readers in (("train-clean-100", ("19", "26")), ("dev-clean", ("84",)), ("test-other", ("367", "533")))
    for reader in readers
    for chapter in ("198", "227")
    for n in "01"
]
WSJ0 = [
    f"wsj0/{part}/{voice}/{voice}c020{n}.wav"
    for part, voices in (("si_tr_s", ("011", "01a")), ("si_dt_05", ("050",)), ("si_et_05", ("440", "441")))
    for voice in voices
    for n in "12"
]
CHIME2 = [
    f"{part}/{kind}/{voice}c0201.wav"
    for part, voices in (("train", ("011", "01a")), ("devel", ("050",)), ("test", ("440",)))
    for voice in voices
    for kind in ("reverberated/si_x", "isolated/m6dB/si_x", "isolated/3dB/si_x")
]
CHIME3 = [
    *(
        f"isolated/{part}/{voice}_22GC010A_ORG.wav"
        for part, voice in (("tr05_org", "F01"), ("tr05_org", "M03"), ("dt05_bth", "F04"))
    ),
    *(f"isolated/tr05_bus_real/F01_22GC010A_BUS.CH{n}.wav" for n in (1, 5)),
    *(f"backgrounds/BGD_150203_0{room}_CAF.CH{n}.wav" for room in (10, 20, 30) for n in (1, 5)),
]
DEMAND = [f"{room}/ch{n:02d}.wav" for room in ("DKITCHEN", "NPARK", "OOFFICE", "TBUS") for n in (1, 2, 16)]
EARS = [f"p{voice:03d}/{name}.wav" for voice in (1, 2, 99, 100, 101, 102, 107) for name in ("emo_anger_freeform", "rainbow_01")]
MUSAN = [
    f"musan/{kind}/{source}/{kind}-{source}-000{n}.wav"
    for kind, source in (("music", "fma"), ("noise", "free-sound"), ("speech", "librivox"))
    for n in "012"
]


def made(folder, files):
    for file in files:
        write(folder / file, tone(500, seconds=0.05))
    return folder
